//! Compiles `proto/iterm_mcp.proto`, without a `protoc` on the machine. The set of
//! descriptors is kept besides: clients ask for it by reflection.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/iterm_mcp.proto");
    let descriptors = protox::compile(["proto/iterm_mcp.proto"], ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("iterm_mcp.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(descriptors)?;
    Ok(())
}
