//! What something costs, as CPU time of this thread: others use the machine too.

use std::time::Duration;

use cpu_time::ThreadTime;

/// How much larger the larger input is.
const TIMES: usize = 4;
/// What is linear costs four times as much; what is quadratic costs sixteen times.
const MOST: f64 = 8.0;
/// Enough for the clock to be exact, and for a cache to have warmed up.
const LEAST: Duration = Duration::from_millis(2);
const MOST_RUNS: u32 = 400;
/// The best of several counts. More are made when the result looks bad.
const ROUNDS: usize = 4;
const MORE_ROUNDS: usize = 12;

/// Fails when four times the size costs more than eight times as much. `make` prepares an input of
/// so many times its size, which is not measured; `run` takes it.
pub fn is_linear<I>(what: &str, mut make: impl FnMut(usize) -> I, mut run: impl FnMut(&mut I)) {
    let mut cost = |times: usize| {
        let (mut total, mut runs) = (Duration::ZERO, 0);
        while total < LEAST && runs < MOST_RUNS {
            let mut input = make(times);
            let start = ThreadTime::now();
            run(&mut input);
            total += start.elapsed();
            runs += 1;
        }
        total.as_secs_f64() / f64::from(runs)
    };
    let (mut small, mut large) = (f64::INFINITY, f64::INFINITY);
    for round in 0..MORE_ROUNDS {
        small = small.min(cost(1));
        large = large.min(cost(TIMES));
        if round + 1 >= ROUNDS && large / small < MOST {
            break;
        }
    }
    if std::env::var_os("SHOW_COSTS").is_some() {
        println!("{:9.1} us {:5.1} times {what}", large * 1e6, large / small);
    }
    assert!(large / small < MOST, "{what}: {TIMES} times the size cost {:.1} times", large / small);
}

/// As [`is_linear`], where an input can be taken any number of times.
pub fn reads_linearly<R>(what: &str, make: impl Fn(usize) -> Vec<u8>, read: impl Fn(&[u8]) -> R) {
    let inputs = [make(1), make(TIMES)];
    is_linear(
        what,
        |times| &inputs[usize::from(times != 1)],
        |input| {
            std::hint::black_box(read(input));
        },
    );
}
