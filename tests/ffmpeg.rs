//! ffmpeg decodes what is written to files, whole and cut. Without ffmpeg there is nothing to test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use medialoom::codec::Codec;
use medialoom::codec::configuration::{Configuration, store};
use medialoom::codec::frame::nal_units;
use medialoom::container::webm::{Document, Writer, repair};
use medialoom::container::{Frame, Step, TrackEntry};

const FRAMES: usize = 60;
const FRAME: Duration = Duration::from_millis(33);

/// What ffmpeg calls each codec and its encoder, and how it makes pictures that need none later.
const CODECS: [(Codec, &str, &str, &[&str]); 5] = [
    (Codec::Vp8, "ivf", "libvpx", &["-deadline", "realtime", "-cpu-used", "8"]),
    (Codec::Vp9, "ivf", "libvpx-vp9", &["-deadline", "realtime", "-cpu-used", "8"]),
    (Codec::Av1, "ivf", "libaom-av1", &["-usage", "realtime", "-cpu-used", "8"]),
    (Codec::H264, "h264", "libx264", &["-x264-params", "aud=1:bframes=0"]),
    (
        Codec::H265,
        "hevc",
        "libx265",
        &["-x265-params", "aud=1:repeat-headers=1:bframes=0:log-level=none"],
    ),
];

#[test]
fn ffmpeg_if_installed_decodes_every_codec_of_a_file_whole_cut_and_repaired() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("ffmpeg is not installed, nothing tested");
        return;
    }
    let folder = std::env::temp_dir().join(format!("medialoom-ffmpeg-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (codec, format, encoder, options) in CODECS {
        let Some(frames) = encode(&folder, codec, format, encoder, options) else {
            println!("ffmpeg has no {encoder}, {codec} not tested");
            continue;
        };
        assert_eq!(frames.len(), FRAMES, "{codec}");
        let (unfinished, finished) = record(codec, &frames);
        let path = folder.join("recording.mkv");
        assert_eq!(decoded(&path, &finished), FRAMES, "{codec}, finished");
        assert_eq!(decoded(&path, &unfinished), FRAMES, "{codec}, not finished");
        let cluster = [0x1f, 0x43, 0xb6, 0x75];
        let first = unfinished.windows(4).position(|id| id == cluster).unwrap();
        let mut least = 0;
        for eighth in 4..8 {
            let cut = &unfinished[..first + (unfinished.len() - first) * eighth / 8];
            let repaired = repair(cut, cut.len() as u64).unwrap();
            let mut whole = cut[..repaired.len as usize].to_vec();
            apply(&mut whole, &repaired.steps);
            let there = decoded(&path, &whole);
            assert!((least..FRAMES).contains(&there), "{codec}, cut at {eighth} eighths: {there}");
            least = there;
            let status = probe(&path, cut).status;
            assert!(status.success(), "{codec}, cut at {eighth} eighths");
        }
        assert!(least > FRAMES / 2, "{codec}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Two seconds of a test picture, frame by frame; `None` where ffmpeg cannot.
fn encode(
    folder: &Path,
    codec: Codec,
    format: &str,
    encoder: &str,
    options: &[&str],
) -> Option<Vec<Vec<u8>>> {
    let path = folder.join("stream");
    let status = Command::new("ffmpeg")
        .args(["-v", "quiet", "-y", "-f", "lavfi", "-i", "testsrc=s=320x240:r=30:d=2"])
        .args(["-pix_fmt", "yuv420p", "-c:v", encoder, "-g", "30", "-lag-in-frames", "0"])
        .args(options)
        .args(["-f", format])
        .arg(&path)
        .status()
        .unwrap();
    let data = status.success().then(|| std::fs::read(&path).unwrap())?;
    Some(if format == "ivf" { ivf_frames(codec, &data) } else { access_units(codec, &data) })
}

/// Frames of an IVF file. Temporal delimiters are not kept in files (AV1 in Matroska).
fn ivf_frames(codec: Codec, data: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = &data[32..];
    while rest.len() > 12 {
        let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let frame = &rest[12..12 + size];
        let delimiter = codec == Codec::Av1 && frame.starts_with(&[0x12, 0]);
        frames.push(frame[if delimiter { 2 } else { 0 }..].to_vec());
        rest = &rest[12 + size..];
    }
    frames
}

/// Access units of a byte stream, each of which begins with a delimiter.
fn access_units(codec: Codec, data: &[u8]) -> Vec<Vec<u8>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    for nal in nal_units(data) {
        let delimits = match codec {
            Codec::H264 => nal[0] & 0x1f == 9,
            _ => nal[0] >> 1 & 0x3f == 35,
        };
        if delimits {
            units.push(Vec::new());
        } else if let Some(unit) = units.last_mut() {
            unit.extend([0, 0, 0, 1]);
            unit.extend(nal);
        }
    }
    units
}

/// The file before and after it was finished.
fn record(codec: Codec, frames: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let mut writer = Writer::new(Document::Matroska, "medialoom", Duration::ZERO);
    let configuration = Configuration::of(codec, &frames[0]).unwrap();
    assert_eq!(configuration.size, Some((320, 240)), "{codec}");
    let entry = TrackEntry {
        codec,
        name: "test".into(),
        language: "und".into(),
        configuration,
        rotation: 0,
    };
    let track = writer.add_track(&entry).unwrap();
    let mut file = Vec::new();
    for (time, frame) in (0..).map(|n| FRAME * n).zip(frames) {
        let mut data = Vec::new();
        store(codec, frame, &[], &mut data);
        let keyframe = Configuration::of(codec, frame).is_some();
        writer.write(&Frame { track, time, keyframe, data: &data });
        apply(&mut file, &writer.take());
    }
    let unfinished = file.clone();
    writer.finish();
    apply(&mut file, &writer.take());
    (unfinished, file)
}

fn apply(file: &mut Vec<u8>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Append(bytes) => file.extend_from_slice(bytes),
            Step::Overwrite { at, bytes } => {
                let at = *at as usize;
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

/// How many frames ffmpeg decodes of a file, without a complaint.
fn decoded(path: &PathBuf, file: &[u8]) -> usize {
    std::fs::write(path, file).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-progress", "-", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{complaint}");
    let progress = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = progress.lines().rev().find_map(|line| line.strip_prefix("frame="));
    last.unwrap().trim().parse().unwrap()
}

fn probe(path: &PathBuf, file: &[u8]) -> Output {
    std::fs::write(path, file).unwrap();
    Command::new("ffprobe").args(["-v", "error", "-show_streams"]).arg(path).output().unwrap()
}
