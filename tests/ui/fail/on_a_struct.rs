use distributed_scope::distributed;

#[distributed]
struct Demo;

fn main() {}
