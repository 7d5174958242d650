//! Seeds with which something once went wrong, kept so that it does not again.

pub struct Regression {
    pub scenario: &'static str,
    pub seed: u64,
    /// What went wrong.
    pub why: &'static str,
}

pub const REGRESSIONS: &[Regression] = &[
    Regression {
        scenario: "jitter-overtaking-vp8",
        seed: 1,
        why: "the viewer took frames that had waited for long for newer ones when TL0PICIDX had wrapped",
    },
    Regression {
        scenario: "loss-10-vp8",
        seed: 6,
        why: "a picture that came before the first one of the stream was decoded without its reference",
    },
    Regression {
        scenario: "steady-230k-vp8",
        seed: 2,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
    Regression {
        scenario: "steady-230k-vp8",
        seed: 4,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
    Regression {
        scenario: "steady-230k-vp8",
        seed: 22,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
    Regression {
        scenario: "steady-230k-vp8",
        seed: 23,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
    Regression {
        scenario: "steady-230k-vp8",
        seed: 25,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
    Regression {
        scenario: "steady-130k-vp8",
        seed: 3,
        why: "the group of pictures that a viewer begins with was more than the link's queue held",
    },
];
