//! Publishers and viewers that behave as browsers do, on fake time over links with a capacity: what
//! the engine makes of bad networks, as figures.

#![allow(dead_code)] // The tests and the benchmark each use their own part.

pub mod bits;
pub mod dependency;
pub mod encoder;
pub mod figures;
pub mod ledger;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod seeds;
pub mod stamp;
pub mod traces;
pub mod viewer;
