//! What a closed endpoint leaves behind in the process. Alone in its process, which it counts in.

#![cfg(target_os = "linux")]

mod echo;

use echo::{options, start};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_host_that_was_shut_down_has_no_descriptor_left_though_it_is_still_held() {
    let before = open_descriptors();
    let hosts: Vec<_> = (0..3).map(|_| start(&options("127.0.0.1", 2))).collect();
    assert!(open_descriptors() > before);
    for (host, _) in &hosts {
        host.shutdown();
    }
    assert_eq!(open_descriptors(), before);
    drop(hosts);
}
