//! Lists the files of `template/`, so that a new one needs no line of Rust.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=template");
    let mut files = Vec::new();
    collect(Path::new("template"), &mut files)?;
    files.sort();
    let folder = env::current_dir()?;
    let mut list = String::from("[\n");
    for file in &files {
        let name: Vec<_> = file
            .iter()
            .skip(1)
            .map(|part| part.to_string_lossy())
            .collect();
        let path = folder.join(file);
        list += &format!("    ({:?}, include_str!({path:?})),\n", name.join("/"));
    }
    list += "]";
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("template.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
