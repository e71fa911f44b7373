//! The records on Amazon's `DynamoDB` Local: the conformance suite, on a way where everything goes well and on one where every
//! request fails once, and what only this store can get wrong.

mod books;
mod faults;
mod many;
mod support;
mod table;

use support::{block_on, on_a_bad_way, store};

mod conformance {
    use super::{block_on, store};

    gateway_core::records_conformance!(block_on, store());
}

mod conformance_on_a_bad_way {
    use super::{block_on, on_a_bad_way};

    gateway_core::records_conformance!(block_on, on_a_bad_way());
}
