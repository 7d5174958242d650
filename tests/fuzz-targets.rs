//! What the fuzz targets do, with the inputs kept in `fuzz/seeds`: those that fuzzing begins with,
//! and those that once broke something.
//! Needs the feature `fault-injection`.
#![cfg(feature = "fault-injection")]

#[cfg(feature = "mcu")]
#[path = "../fuzz/src/pictures.rs"]
mod pictures;
#[cfg(feature = "mcu")]
#[path = "../fuzz/src/recording.rs"]
mod recording;
#[cfg(feature = "mcu")]
#[path = "../fuzz/src/script.rs"]
#[allow(dead_code)] // Its mutations are for libFuzzer.
mod script;
#[cfg(feature = "mcu")]
#[path = "../fuzz/src/sound.rs"]
mod sound;
mod support;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs, panic};

use support::mutation::Mutation;
use targets::TARGETS;

/// Of each target, unless told otherwise by `MEDIALOOM_MUTATED_SEEDS`.
const MUTATED: usize = 50;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("no seeds of {target}: {error}"));
    let paths = files.map(|file| file.unwrap().path());
    let mut seeds: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    assert!(!seeds.is_empty(), "{target} has a seed");
    seeds.sort();
    seeds
}

#[test]
fn every_target_takes_its_seeds_and_nothing_at_all() {
    for (name, run) in TARGETS {
        run(&[]);
        for (path, seed) in seeds(name) {
            eprintln!("{}", path.display());
            run(&seed);
        }
    }
}

#[test]
fn every_target_takes_its_seeds_a_little_wrong() {
    let number = |variable: &str, otherwise| {
        env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let inputs = number("MEDIALOOM_MUTATED_SEEDS", MUTATED);
    for (name, run) in TARGETS {
        let good: Vec<_> = seeds(name).into_iter().map(|(_, seed)| seed).collect();
        let mut mutation = Mutation::new(number("MEDIALOOM_SEED", 1) as u64);
        let began = Instant::now();
        // Codecs take a hundred times as long as anything else.
        let mixes = name.starts_with("mix_") || name.ends_with("_file");
        let inputs = if mixes { inputs.div_ceil(10) } else { inputs };
        for _ in 0..inputs {
            let input = mutation.of(&good);
            let failed = panic::catch_unwind(|| run(&input)).is_err();
            assert!(!failed, "{name} failed with {input:?}");
        }
        eprintln!("{name}: {inputs} inputs in {:?}", began.elapsed());
    }
}
