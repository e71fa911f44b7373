//! What goes wrong between the gateway and the table, and does no harm.
