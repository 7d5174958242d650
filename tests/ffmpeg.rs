//! ffmpeg decodes what is written to files, whole and cut. Without ffmpeg there is nothing to test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use medialoom::codec::Codec;
use medialoom::codec::configuration::{Configuration, store};
use medialoom::codec::frame::nal_units;
use medialoom::container::repair::survey;
use medialoom::container::webm::{self, Document};
use medialoom::container::{Frame, Muxer, ReadAt, Step, TrackEntry, WriteAt, mp4};

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
        let free = !matches!(codec, Codec::H264 | Codec::H265);
        let name = if free { "recording.webm" } else { "recording.mkv" };
        look_at(&folder.join(name), codec, &frames, b"\x1f\x43\xb6\x75");
        if codec != Codec::Vp8 {
            look_at(&folder.join("recording.mp4"), codec, &frames, b"moof");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The file finished, not finished, cut, and repaired. Behind `first` there are frames.
fn look_at(path: &PathBuf, codec: Codec, frames: &[Vec<u8>], first: &[u8; 4]) {
    let (unfinished, finished) = record(path, codec, frames);
    assert_eq!(decoded(path, &finished), FRAMES, "{codec}, finished");
    assert_eq!(decoded(path, &unfinished), FRAMES, "{codec}, not finished");
    keep(path, codec, "", &finished);
    keep(path, codec, "-killed", &unfinished);
    let first = unfinished.windows(4).position(|id| id == first).unwrap();
    let mut least = 0;
    for eighth in 4..8 {
        let len = first + (unfinished.len() - first) * eighth / 8;
        let mut cut = unfinished[..len].to_vec();
        let found = survey(&mut cut, len as u64).unwrap().unwrap();
        if path.extension().is_some_and(|ending| ending == "mp4") {
            // The first bytes of a fragment that is not whole are not there yet.
            cut[found.end() as usize..].iter_mut().take(8).for_each(|byte| *byte = 0);
        }
        keep(path, codec, &format!("-cut-{eighth}"), &cut);
        let status = probe(path, &cut).status;
        assert!(status.success(), "{codec}, cut at {eighth} eighths");
        cut.truncate(found.end() as usize);
        found.finish(&mut cut).unwrap();
        let there = decoded(path, &cut);
        assert!((least..FRAMES).contains(&there), "{codec}, cut at {eighth} eighths: {there}");
        least = there;
    }
    assert!(least > FRAMES / 3, "{codec}");
}

/// For players that are no part of a test: into the folder that FILES names.
fn keep(path: &Path, codec: Codec, what: &str, file: &[u8]) {
    let ending = path.extension().unwrap().to_string_lossy();
    if let Ok(folder) = std::env::var("FILES") {
        let name = format!("{}{what}.{ending}", codec.name());
        std::fs::write(Path::new(&folder).join(name), file).unwrap();
    }
}

/// A file of which other programs are shown what each write leaves.
struct Shown<'a> {
    file: Vec<u8>,
    path: &'a PathBuf,
}

impl ReadAt for Shown<'_> {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.file.read_at(at, buffer)
    }
}

impl WriteAt for Shown<'_> {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_at(at, bytes)?;
        let moof = self.file.windows(4).any(|name| name == b"moof");
        if moof {
            let probe = probe(self.path, &self.file);
            assert!(probe.status.success() && probe.stderr.is_empty(), "{probe:?}");
        }
        Ok(())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn ffmpeg_if_installed_decodes_a_file_whatever_was_written_of_it() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("ffmpeg is not installed, nothing tested");
        return;
    }
    let folder = std::env::temp_dir().join(format!("medialoom-writes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (codec, format, encoder, options) = CODECS[3];
    if let Some(frames) = encode(&folder, codec, format, encoder, options) {
        let path = folder.join("recording.mp4");
        let mut file = Shown { file: Vec::new(), path: &path };
        let (mut writer, mut len) = (muxer(&path), 0);
        put(writer.as_mut(), codec, &frames, |steps| {
            for step in steps {
                step.perform(&mut file, &mut len).unwrap();
            }
        });
        assert_eq!(decoded(&path, &file.file), FRAMES);
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

fn muxer(path: &Path) -> Box<dyn Muxer> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("webm") => Box::new(webm::Writer::new(Document::Webm, "medialoom", Duration::ZERO)),
        Some("mp4") => Box::new(mp4::Writer::new(Duration::from_millis(200), Duration::ZERO)),
        _ => Box::new(webm::Writer::new(Document::Matroska, "medialoom", Duration::ZERO)),
    }
}

/// The file before and after it was finished.
fn record(path: &Path, codec: Codec, frames: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let (mut all, mut writer) = (Vec::new(), muxer(path));
    put(writer.as_mut(), codec, frames, |steps| all.push(steps));
    let (mut file, mut len) = (Vec::new(), 0);
    // Those that finish it are taken last; of MP4 the last one of them alone changes what was there.
    let last = all.pop().unwrap();
    all.concat().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    let index = last.iter().position(|step| *step == Step::Index).unwrap_or(0);
    last[..index].iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    let unfinished = file.clone();
    last[index..].iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    (unfinished, file)
}

/// Pictures with silence beside them.
fn put(writer: &mut dyn Muxer, codec: Codec, frames: &[Vec<u8>], mut take: impl FnMut(Vec<Step>)) {
    let configuration = Configuration::of(codec, &frames[0]).unwrap();
    assert_eq!(configuration.size, Some((320, 240)), "{codec}");
    let video = writer.add_track(&entry(codec, configuration)).unwrap();
    let opus = Configuration::of(Codec::Opus, &[]).unwrap();
    let audio = writer.add_track(&entry(Codec::Opus, opus)).unwrap();
    for (time, frame) in (0..).map(|n| FRAME * n).zip(frames) {
        let mut data = Vec::new();
        store(codec, frame, &[], &mut data);
        let keyframe = Configuration::of(codec, frame).is_some();
        writer.write(&Frame { track: video, time, keyframe, data: &data });
        writer.write(&Frame { track: audio, time, keyframe: true, data: &[0xf8, 0xff, 0xfe] });
        take(writer.take());
    }
    writer.finish();
    take(writer.take());
}

fn entry(codec: Codec, configuration: Configuration) -> TrackEntry {
    TrackEntry { codec, name: "test".into(), language: "und".into(), configuration, rotation: 0 }
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
