//! What the demo and the soak have in common.
//!
//! | module | idea |
//! |---|---|
//! | [`leash`] | this program once more, as a process that ends when this one ends |
//! | [`linux`] | the figures of a process that Linux keeps: memory, processor time, descriptors |

pub mod leash;
pub mod linux;
