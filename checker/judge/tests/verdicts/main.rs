//! Verdicts on literal evidence.

mod foreign;
mod literal;
mod order;
mod settling;
mod temporal;
