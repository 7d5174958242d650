//! Where panics are told. Alone in its process, which has one hook and one limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};
use std::time::Duration;

use medialoom::log::{Record, Sink, add_sink, catch_panics, watched};
use tracing::level_filters::LevelFilter;

fn panic_on(name: &str, text: &'static str) {
    let died = Builder::new().name(name.into()).spawn(move || panic!("{text}")).unwrap();
    assert!(died.join().is_err());
}

fn field<'a>(record: &'a Record, name: &str) -> &'a str {
    let field = record.fields.iter().find(|(known, _)| *known == name);
    field.map(|(_, value)| value.as_str()).unwrap_or_default()
}

#[test]
fn the_engines_panics_are_told_in_the_log_once_a_second_and_others_where_they_were_before() {
    let foreign = Arc::<AtomicUsize>::default();
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new({
        let foreign = Arc::clone(&foreign);
        move |panic| {
            if thread::current().name() == Some("somebody-else") {
                foreign.fetch_add(1, Ordering::SeqCst);
            } else {
                default(panic);
            }
        }
    }));
    catch_panics();
    catch_panics();
    let sink = Arc::new(Sink::new(LevelFilter::ERROR, || ()));
    add_sink(Arc::clone(&sink));
    panic_on("medialoom-7", "the first");
    panic_on("somebody-else", "not ours");
    for _ in 0..3 {
        panic_on("medialoom-7", "left out, unless the machine is slow");
    }
    thread::sleep(Duration::from_millis(1_050));
    let caught = watched(|| std::panic::catch_unwind(|| panic!("the {}", "last")));
    assert!(caught.is_err());

    assert_eq!(foreign.load(Ordering::SeqCst), 1);
    let records = sink.drain();
    let (first, last) = (&records[0], records.last().unwrap());
    assert_eq!(first.message, "panic: the first");
    assert_eq!((field(first, "thread"), field(first, "left_out")), ("medialoom-7", "0"));
    assert!(field(first, "location").starts_with(file!()));
    assert_eq!(last.message, "panic: the last");
    let left_out: u64 =
        records.iter().map(|record| field(record, "left_out").parse::<u64>().unwrap()).sum();
    assert_eq!(left_out + records.len() as u64, 5, "none is forgotten");
}
