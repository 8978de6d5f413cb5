use super::*;

const ADD: &str = "
    struct Params { count: u32 }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage> x: array<f32>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if id.x < params.count { y[id.x] += x[id.x]; }
    }";

/// A new folder with shaders, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, shaders: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("translate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("from/some")).unwrap();
        for (name, source) in shaders {
            std::fs::write(folder.join("from").join(name), source).unwrap();
        }
        Self(folder)
    }

    fn run(&self, rest: &[&str]) -> Result<usize, String> {
        let path = |name: &&str| match *name {
            "from" | "to" => self.0.join(name).to_str().unwrap().to_string(),
            other => other.to_string(),
        };
        run(rest.iter().map(path).collect())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_shader_is_written_in_every_language() {
    let folder = Folder::new("languages", &[("some/add.wgsl", ADD)]);
    for (language, sign) in [
        ("spirv", ""),
        ("msl", "kernel void"),
        ("hlsl51", "numthreads(64, 1, 1)"),
        ("hlsl60", "numthreads(64, 1, 1)"),
        ("wgsl", "@workgroup_size(64, 1, 1)"),
    ] {
        assert_eq!(folder.run(&["from", "to", language]), Ok(0), "{language}");
        let extension = Language::ALL.into_iter().find(|l| l.name() == language);
        let extension = extension.unwrap().extension();
        let path = folder.0.join("to/some/add").with_extension(extension);
        let text = std::fs::read(&path).unwrap();
        if language == "spirv" {
            assert_eq!(text[..4], 0x0723_0203u32.to_le_bytes());
        } else {
            assert!(
                String::from_utf8(text).unwrap().contains(sign),
                "{language}"
            );
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn refused_shaders_are_counted() {
    let no_type = ADD.replace("array<f32>", "array<f33>");
    let stores_a_uniform = ADD.replace("y[id.x] +=", "params.count = 1u; y[id.x] +=");
    let no_entry = ADD.replace("fn main", "fn other");
    let shaders = [
        ("a.wgsl", ADD),
        ("b.wgsl", &no_type),
        ("some/c.wgsl", &stores_a_uniform),
        ("some/d.wgsl", &no_entry),
        ("some/again.wgsl", ADD),
    ];
    let folder = Folder::new("refused", &shaders);
    assert_eq!(folder.run(&["from"]), Ok(3));
    assert_eq!(folder.run(&["from", "to", "msl"]), Ok(3));
    assert!(folder.0.join("to/a.metal").exists());
    assert!(!folder.0.join("to/b.metal").exists());
}

#[test]
fn optional_capabilities_are_for_shaders_that_use_them() {
    let sum = |value: &str| ADD.replace("x[id.x]; }", &format!("{value}; }}"));
    let subgroups = sum("subgroupAdd(x[id.x])");
    let words = sum("f32(u64(id.x))");
    for source in [&subgroups, &words] {
        assert!(Shader::new(source).is_ok());
        assert!(Language::Hlsl60.takes(source) && !Language::Hlsl51.takes(source));
    }
    assert!(Language::Hlsl51.takes(ADD));
    let folder = Folder::new("optional", &[("a.wgsl", ADD), ("b.wgsl", &subgroups)]);
    assert_eq!(folder.run(&["from"]), Ok(0));
    assert_eq!(folder.run(&["from", "to", "hlsl51"]), Ok(0));
    assert!(folder.0.join("to/a.hlsl").exists() && !folder.0.join("to/b.hlsl").exists());
    // 64-bit floats are in no shader of ours.
    assert!(Shader::new(&sum("f32(f64(x[id.x]))")).is_err());
}

#[test]
fn wrong_arguments_are_refused() {
    let folder = Folder::new("arguments", &[]);
    for args in [
        &[][..],
        &["from", "to"],
        &["from", "to", "glsl"],
        &["from"],
        &["missing"],
    ] {
        assert!(folder.run(args).is_err(), "{args:?}");
    }
}
