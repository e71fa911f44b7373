//! Random histories.

use std::cell::Cell;

use gateway_core::conformance::model::equals_the_reference;

use crate::support::{block_on, server, store_on};

#[test]
fn equals_the_reference_across_restarts() {
    let (transport, _redis) = block_on(server());
    let number = Cell::new(0_u32);
    equals_the_reference(block_on, || {
        number.set(number.get() + 1);
        (store_on(&transport, &number.get().to_string()), ())
    });
}
