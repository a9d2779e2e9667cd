//! What the benches share: the allocator of the node, so that their figures are the node's.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
