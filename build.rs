//! Lets the linker leave the Node-API symbols to the runtime that loads the addon.

fn main() {
    // Without these lines cargo would look at every file below this folder, and miss the last one.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBNODE_PATH");
    napi_build::setup();
}
