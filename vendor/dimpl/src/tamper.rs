//! A seam for fuzzing: what this thread writes into a record is changed before it is sealed, so that
//! a peer that has agreed on keys can be made to say anything.

use std::cell::RefCell;

use crate::buffer::Buf;

/// Is given the plaintext of each record.
pub type Tamper = Box<dyn FnMut(&mut [u8])>;

thread_local! {
    static TAMPER: RefCell<Option<Tamper>> = const { RefCell::new(None) };
}

/// From now on `tamper` is given every record of this thread; `None` ends that. Gives what there was.
pub fn set_tamper(tamper: Option<Tamper>) -> Option<Tamper> {
    TAMPER.replace(tamper)
}

pub(crate) fn apply(fragment: &mut Buf) {
    TAMPER.with_borrow_mut(|tamper| {
        if let Some(tamper) = tamper {
            tamper(fragment);
        }
    });
}
