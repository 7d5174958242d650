//! What the fuzz targets do, with the inputs kept in `fuzz/seeds`: those that fuzzing begins with,
//! and those that once broke something.
//! Needs the feature `fault-injection`.
#![cfg(feature = "fault-injection")]

mod support;
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

#[test]
fn every_target_takes_its_seeds() {
    for (name, run) in targets::TARGETS {
        let seeds = fs::read_dir(folder("seeds").join(name));
        let seeds = seeds.unwrap_or_else(|error| panic!("no seeds of {name}: {error}"));
        let mut taken = 0;
        for seed in seeds {
            let path = seed.unwrap().path();
            eprintln!("{}", path.display());
            run(&fs::read(&path).unwrap());
            taken += 1;
        }
        assert!(taken > 0, "{name} has a seed");
    }
}

#[test]
fn every_target_takes_an_empty_input() {
    targets::TARGETS.iter().for_each(|(_, run)| run(&[]));
}
