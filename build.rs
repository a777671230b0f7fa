//! Lets the linker leave the Node-API symbols to the runtime that loads the addon.

fn main() {
    napi_build::setup();
}
