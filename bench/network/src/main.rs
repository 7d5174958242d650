//! Runs scenarios and prints a line of JSON for each viewer. `bench/network.js` makes tables of it.

#[path = "../../../tests/simulation/mod.rs"]
mod simulation;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use simulation::figures::Figures;
use simulation::run::run;
use simulation::scenario::Scenario;
use simulation::scenarios;

const USAGE: &str = "usage: medialoom-network [--list] [--scenario NAME]... [--seed N] [--seeds N]";

struct Options {
    list: bool,
    scenarios: Vec<Scenario>,
    /// The first, and how many.
    seeds: (u64, u64),
}

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { list: false, scenarios: Vec::new(), seeds: (1, 1) };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--list" => options.list = true,
            "--scenario" => {
                let name = value()?;
                let named = scenarios::named(&name).ok_or(format!("no scenario {name}"))?;
                options.scenarios.push(named);
            }
            "--seed" => options.seeds.0 = number(&value()?)?,
            "--seeds" => options.seeds.1 = number(&value()?)?,
            other => return Err(format!("{other} is not known; {USAGE}")),
        }
    }
    if options.scenarios.is_empty() {
        options.scenarios = scenarios::all();
    }
    Ok(options)
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    if options.list {
        options.scenarios.iter().for_each(|scenario| println!("{}", scenario.name));
        return ExitCode::SUCCESS;
    }
    let (first, count) = options.seeds;
    for scenario in &options.scenarios {
        for seed in first..first + count {
            run(scenario, seed).iter().for_each(|figures| print(figures, seed));
        }
    }
    ExitCode::SUCCESS
}

fn print(figures: &Figures, seed: u64) {
    let mut line = figures.json();
    line["seed"] = seed.into();
    println!("{line}");
}
