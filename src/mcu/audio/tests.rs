//! The whole mixer.

mod changeover;
mod clocks;
mod hostile;
mod inputs;
mod network;
mod selection;
mod support;
mod timing;
