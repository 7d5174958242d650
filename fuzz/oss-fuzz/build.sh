#!/bin/bash -eu
# Builds every target that needs no decoders, and packs its seeds.

cd "$SRC/medialoom"
cargo fuzz build -O --debug-assertions

built=fuzz/target/x86_64-unknown-linux-gnu/release
for folder in fuzz/seeds/*/; do
  target=$(basename "$folder")
  cp "$built/$target" "$OUT/"
  seeds=("$folder"*)
  [[ $target == descriptions ]] && seeds+=(src/sdp/testing/descriptions/*)
  zip --junk-paths --quiet "$OUT/${target}_seed_corpus.zip" "${seeds[@]}"
done
cp fuzz/dictionaries/*.dict "$OUT/"
