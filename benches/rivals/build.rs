//! The interfaces of the two rivals that have a schema language.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_capnp)");
    println!("cargo::rerun-if-changed=schema/calls.capnp");

    let method = |name: &str, route: &str, message: &str| {
        tonic_build::manual::Method::builder()
            .name(name)
            .route_name(route)
            .input_type(message)
            .output_type(message)
            .codec_path("tonic_prost::ProstCodec")
            .build()
    };
    let stream = |name: &str, route: &str, item: &str| {
        tonic_build::manual::Method::builder()
            .name(name)
            .route_name(route)
            .input_type("super::Count")
            .output_type(item)
            .codec_path("tonic_prost::ProstCodec")
            .server_streaming()
            .build()
    };
    let service = tonic_build::manual::Service::builder()
        .name("Calls")
        .package("rivals")
        .method(method("echo", "Echo", "super::Numbers"))
        .method(method("blob", "Blob", "super::Blob"))
        .method(method("slow", "Slow", "super::Numbers"))
        .method(stream("items", "Items", "super::Numbers"))
        .method(stream("parts", "Parts", "super::Part"))
        .build();
    tonic_build::manual::Builder::new().compile(&[service]);

    // Cap'n Proto's compiler is a program of its own (Debian: capnproto). Without it this rival is
    // left out, and the
    // table says so.
    let parent = vec!["contenders".to_owned(), "capnp".to_owned()];
    match capnpc::CompilerCommand::new()
        .src_prefix("schema")
        .file("schema/calls.capnp")
        .default_parent_module(parent)
        .run()
    {
        Ok(()) => println!("cargo::rustc-cfg=has_capnp"),
        Err(error) => println!("cargo::warning=capnp-rpc is left out: {error}"),
    }
}
