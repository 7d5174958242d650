//! `npm run bench:mix`: prints a line of JSON for each figure. All but the threads run on fake
//! time, so what is measured is CPU and not waiting.

mod engine;
mod latency;
mod memory;
mod network;
mod pictures;
mod quality;
mod room;
mod sound;
mod sources;
mod voice;

use serde_json::json;

fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    if let [part, speech, folder] = &only[..]
        && part == "quality"
    {
        quality::write(speech.as_ref(), folder.as_ref()).expect("files can be read and written");
        return;
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|each| each == name);
    if wanted("audio") {
        for participants in [10, 100, 1000] {
            print(&sound::room(participants));
        }
    }
    if wanted("video") {
        for (width, height) in [(320, 180), (640, 360), (1280, 720)] {
            for rungs in [1, 3] {
                print(&pictures::room(width, height, rungs));
            }
        }
    }
    if wanted("latency") {
        print(&latency::sound());
        print(&latency::picture());
    }
    if wanted("threads") {
        print(&engine::lateness());
        print(&engine::idle());
    }
}

fn print(value: &serde_json::Value) {
    println!("{value}");
    // Something to look at while it runs.
    eprintln!("{}", value.get("name").unwrap_or(&json!("")));
}
