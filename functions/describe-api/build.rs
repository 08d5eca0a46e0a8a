//! Turns `openapi.yaml`, which people keep, into the JSON that clients read.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let source = "../../openapi.yaml";
    println!("cargo::rerun-if-changed={source}");
    let document: serde_json::Value = yaml_serde::from_str(&fs::read_to_string(source)?)?;
    let target = Path::new(&env::var("OUT_DIR")?).join("openapi.json");
    fs::write(target, serde_json::to_string(&document)?)?;
    Ok(())
}
