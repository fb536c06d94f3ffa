//! CPU arithmetic: sums, sparse rows, int8 weights, matrix products and the two functions a student needs.
//!
//! **Invariant:** everything but [`gemm`] gives the same bits on every CPU: sums run in a written order, and
//! no function of the platform's libm is called.

pub mod adam;
pub mod func;
pub mod gemm;
pub mod int8;
pub mod sparse;
pub mod sum;
