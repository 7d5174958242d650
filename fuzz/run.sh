#!/usr/bin/env bash
# Runs one target that was built, for so many seconds: fuzz/run.sh TARGET SECONDS [OPTION...]
# Options are libFuzzer's. What is found comes to artifacts/TARGET, what covers more to corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")"

target=$1
seconds=$2
shift 2

program=target/x86_64-unknown-linux-gnu/release/$target
mkdir -p "corpus/$target" "artifacts/$target" "seeds/$target"
folders=("corpus/$target" "seeds/$target")
options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -artifact_prefix="artifacts/$target/" -print_final_stats=1)
case $target in
  descriptions | negotiation) folders+=(../src/sdp/testing/descriptions) options+=(-max_len=20000) ;;
  mix_*) options+=(-max_len=20000 -malloc_limit_mb=400) ;;
  repair) options+=(-max_len=40000) ;;
  *_file | mkv | mp4 | transport_stream | dtls | sctp | session | stun | two_sessions) options+=(-max_len=8000) ;;
  *) options+=(-max_len=3000) ;;
esac
[[ -f dictionaries/$target.dict ]] && options+=(-dict="dictionaries/$target.dict")

exec "$program" "${folders[@]}" "${options[@]}" "$@"
