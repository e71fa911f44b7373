//! Makes the texts that are compiled in smaller: the scripts of Redis and the files of the pages. A Worker may be one mebibyte, and
//! what people need to read them is of no use there.

#[path = "build/shrink.rs"]
mod shrink;

use std::path::Path;
use std::{env, fs, io};

/// Makes a text smaller.
type Shrink = fn(&str) -> String;

#[expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "this is how a build script talks to Cargo")]
fn main() -> io::Result<()> {
    let made = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("Cargo names no OUT_DIR"))?;
    for (from, to) in [("src/redis/lua", "lua"), ("ui", "ui"), ("ui/words", "ui/words")] {
        println!("cargo::rerun-if-changed={from}");
        shrink_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(from), &Path::new(&made).join(to))?;
    }
    println!("cargo::rerun-if-changed=build");
    Ok(())
}

/// Writes a folder's files into another, smaller.
fn shrink_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let (Some(name), Some(shrink)) = (path.file_name(), shrink_for(&path)) {
            fs::write(to.join(name), shrink(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

/// Returns how to make a file smaller. Documents are left out: they are templates, which are read where they stand.
fn shrink_for(path: &Path) -> Option<Shrink> {
    match path.extension()?.to_str()? {
        "lua" => Some(shrink::lua),
        "js" => Some(shrink::script),
        "css" => Some(shrink::style),
        "json" => Some(shrink::json),
        "svg" => Some(str::to_owned),
        _ => None,
    }
}
