//! From the learner's resolved project to that of the copy. What a copy could
//! not keep apart from the learner's own things, or from the machine, is
//! refused with its reason.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// Fields of a service that only other fields repeat, or that tie it to what
/// is outside.
const DROPPED: &[&str] = &["container_name", "env_file", "label_file", "profiles", "extends"];
/// Fields of a service that reach beyond the project.
const REFUSED: &[(&str, &str)] = &[
    ("devices", "it uses devices of the machine"),
    ("device_cgroup_rules", "it uses devices of the machine"),
    ("external_links", "it links to containers of others"),
    ("cgroup_parent", "it chooses its own cgroup"),
    ("provider", "a program of the machine provides it"),
    ("credential_spec", "it uses credentials of the machine"),
];

/// The model of the copy called `name`, with files under `from` taken from
/// under `to`.
///
/// # Errors
/// What of it cannot be copied, in words.
pub(super) fn copied(mut model: Value, name: &str, from: &Path, to: &Path) -> Result<Value, String> {
    let place = Place { from, to };
    let object = model.as_object_mut().ok_or("the resolved file is no object")?;
    object.insert("name".to_owned(), json!(name));
    let built = built_images(object, name);
    if let Some(services) = object.get_mut("services").and_then(Value::as_object_mut) {
        for (service, fields) in services.iter_mut() {
            let fields = fields.as_object_mut().ok_or_else(|| format!("service `{service}` is no object"))?;
            self::service(fields, &place, &built).map_err(|why| format!("service `{service}`: {why}"))?;
        }
    }
    for section in ["networks", "volumes", "configs", "secrets"] {
        let Some(entries) = object.get_mut(section).and_then(Value::as_object_mut) else { continue };
        for (entry, fields) in entries.iter_mut() {
            let Some(fields) = fields.as_object_mut() else { continue };
            resource(fields, &place).map_err(|why| format!("`{section}.{entry}`: {why}"))?;
        }
    }
    Ok(model)
}

/// Names of images that services build, and what the copy calls them: its
/// builds must not take the learner's tags.
fn built_images(model: &Object, name: &str) -> BTreeMap<String, String> {
    let services = model.get("services").and_then(Value::as_object);
    let built = services
        .into_iter()
        .flatten()
        .filter(|(_, fields)| fields.get("build").is_some_and(Value::is_object));
    built
        .filter_map(|(service, fields)| {
            Some((fields.get("image")?.as_str()?.to_owned(), format!("{name}-{service}")))
        })
        .collect()
}

struct Place<'a> {
    from: &'a Path,
    to: &'a Path,
}

impl Place<'_> {
    /// A path of the learner's project as one of the copy.
    fn moved(&self, path: &str) -> Result<String, String> {
        let outside = || format!("`{path}` lies outside the project's directory");
        let inside = plain(Path::new(path)).ok_or_else(outside)?;
        let rest = inside.strip_prefix(self.from).map_err(|_| outside())?;
        Ok(if rest.as_os_str().is_empty() { self.to.to_owned() } else { self.to.join(rest) }
            .display()
            .to_string())
    }

    fn move_field(&self, fields: &mut Object, field: &str) -> Result<(), String> {
        if let Some(path) = fields.get(field).and_then(Value::as_str) {
            let moved = self.moved(path)?;
            fields.insert(field.to_owned(), json!(moved));
        }
        Ok(())
    }
}

/// The path without `.` and `..`; none for one that is not absolute.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain.is_absolute().then_some(plain)
}

fn service(fields: &mut Object, place: &Place<'_>, built: &BTreeMap<String, String>) -> Result<(), String> {
    if truthy(fields.get("privileged")) {
        return Err("it is privileged".to_owned());
    }
    if truthy(fields.get("use_api_socket")) {
        return Err("it uses the Docker socket".to_owned());
    }
    for (field, why) in REFUSED {
        if fields.get(*field).is_some_and(|value| !is_empty(value)) {
            return Err((*why).to_owned());
        }
    }
    for space in ["network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"] {
        let mode = fields.get(space).and_then(Value::as_str).unwrap_or_default();
        if mode == "host" || mode.starts_with("container:") {
            return Err(format!("its `{space}` is `{mode}`"));
        }
    }
    let capabilities = fields.get("cap_add").and_then(Value::as_array).into_iter().flatten();
    if let Some(all) =
        capabilities.filter_map(Value::as_str).find(|name| matches!(*name, "ALL" | "SYS_ADMIN"))
    {
        return Err(format!("it adds the capability `{all}`"));
    }
    let from = fields.get("volumes_from").and_then(Value::as_array).into_iter().flatten();
    if from.filter_map(Value::as_str).any(|from| from.starts_with("container:")) {
        return Err("it takes volumes from containers of others".to_owned());
    }
    answer_to_container_name(fields);
    for field in DROPPED {
        fields.shift_remove(*field);
    }
    for port in list(fields.get_mut("ports")) {
        port.shift_remove("published");
        port.insert("host_ip".to_owned(), json!("127.0.0.1"));
    }
    for volume in list(fields.get_mut("volumes")) {
        match volume.get("type").and_then(Value::as_str).unwrap_or_default() {
            "bind" => {
                if let Err(why) = place.move_field(volume, "source")
                    && !is_only_read(volume)
                {
                    return Err(why);
                }
            }
            "volume" | "tmpfs" | "image" => {}
            other => return Err(format!("it mounts a volume of the type `{other}`")),
        }
    }
    build(fields, place)?;
    if let Some(image) = fields.get("image").and_then(Value::as_str).and_then(|image| built.get(image)) {
        fields.insert("image".to_owned(), json!(image));
    }
    if let Some(develop) = fields.get_mut("develop").and_then(Value::as_object_mut) {
        for rule in list(develop.get_mut("watch")) {
            place.move_field(rule, "path")?;
        }
    }
    for network in fields.get_mut("networks").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(network) = network.1.as_object_mut() {
            // Addresses are those of the learner's own networks.
            for address in ["ipv4_address", "ipv6_address", "mac_address", "link_local_ips"] {
                network.shift_remove(address);
            }
        }
    }
    Ok(())
}

/// Whether a bind mount is of a file that the container can only read, as of
/// `/etc/localtime`. A directory may hold sockets, which say nothing of reading.
fn is_only_read(volume: &Object) -> bool {
    let source = volume.get("source").and_then(Value::as_str);
    truthy(volume.get("read_only")) && source.is_some_and(|source| Path::new(source).is_file())
}

/// Docker's DNS knows a container by its name too, which the copy's has not.
pub(super) fn answer_to_container_name(fields: &mut Object) {
    let Some(name) = fields.get("container_name").and_then(Value::as_str).map(str::to_owned) else { return };
    for (_, network) in fields.get_mut("networks").and_then(Value::as_object_mut).into_iter().flatten() {
        if network.is_null() {
            *network = json!({});
        }
        let Some(network) = network.as_object_mut() else { continue };
        let aliases = network.entry("aliases").or_insert_with(|| json!([]));
        if let Some(aliases) = aliases.as_array_mut() {
            aliases.push(json!(name));
        }
    }
}

fn build(fields: &mut Object, place: &Place<'_>) -> Result<(), String> {
    let Some(build) = fields.get_mut("build").and_then(Value::as_object_mut) else { return Ok(()) };
    if truthy(build.get("privileged")) || build.get("ssh").is_some_and(|ssh| !is_empty(ssh)) {
        return Err("its build uses things of the machine".to_owned());
    }
    for field in ["tags", "cache_to"] {
        build.shift_remove(field);
    }
    place.move_field(build, "context")?;
    if build.get("dockerfile").and_then(Value::as_str).is_some_and(|file| Path::new(file).is_absolute()) {
        place.move_field(build, "dockerfile")?;
    }
    for context in build.get_mut("additional_contexts").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(path) = context.1.as_str().filter(|path| Path::new(path).is_absolute()) {
            *context.1 = json!(place.moved(path)?);
        }
    }
    Ok(())
}

/// A network, volume, config or secret.
fn resource(fields: &mut Object, place: &Place<'_>) -> Result<(), String> {
    if truthy(fields.get("external")) {
        return Err("it is external, so a copy would share it".to_owned());
    }
    fields.shift_remove("name");
    // Fixed subnets are taken by the learner's own network.
    fields.shift_remove("ipam");
    place.move_field(fields, "file")?;
    let options = fields.get_mut("driver_opts").and_then(Value::as_object_mut);
    // The device of a tmpfs is only a word.
    if let Some(options) = options
        && options.contains_key("device")
        && options.get("type").and_then(Value::as_str) != Some("tmpfs")
    {
        place.move_field(options, "device")?;
    }
    Ok(())
}

fn list(value: Option<&mut Value>) -> impl Iterator<Item = &mut Object> {
    value.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn truthy(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value == true || value == "true")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(service: Value) -> Result<Value, String> {
        copy_of(json!({"name": "lab", "services": {"api": service}}))
    }

    fn copy_of(model: Value) -> Result<Value, String> {
        copied(model, "labcheck-1", Path::new("/home/a/lab"), Path::new("/copies/labcheck-1"))
    }

    #[test]
    fn names_ports_and_paths_become_the_copys_own() {
        let service = json!({
            "image": "ms:v1", "container_name": "predictor", "profiles": ["x"], "networks": {"default": null},
            "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}],
            "volumes": [{"type": "bind", "source": "/home/a/lab/models", "target": "/models", "read_only": true},
                        {"type": "volume", "source": "data", "target": "/data"}],
            "develop": {"watch": [{"path": "/home/a/lab/src", "action": "sync", "target": "/src"}]},
        });
        let made = copy(service).unwrap();
        assert_eq!(made["name"], "labcheck-1");
        let api = &made["services"]["api"];
        assert_eq!(api["ports"], json!([{"target": 80, "protocol": "tcp", "host_ip": "127.0.0.1"}]));
        assert_eq!(api["volumes"][0]["source"], "/copies/labcheck-1/models");
        assert_eq!(api["volumes"][0]["read_only"], true);
        assert_eq!(api["develop"]["watch"][0]["path"], "/copies/labcheck-1/src");
        assert!(api.get("container_name").is_none() && api.get("profiles").is_none());
        assert_eq!(api["networks"]["default"]["aliases"], json!(["predictor"]));
    }

    #[test]
    fn a_build_takes_no_tag_of_the_learners() {
        let services = json!({
            "api": {"image": "lab-api", "build": {"context": "/home/a/lab/api", "tags": ["lab-api:1"]}},
            "worker": {"image": "lab-api"},
        });
        let made = copy_of(json!({"name": "lab", "services": services})).unwrap();
        assert_eq!(made["services"]["api"]["image"], "labcheck-1-api");
        assert_eq!(made["services"]["worker"]["image"], "labcheck-1-api");
        assert_eq!(made["services"]["api"]["build"], json!({"context": "/copies/labcheck-1/api"}));
    }

    #[test]
    fn what_reaches_out_of_the_project_is_refused() {
        let bind = |source: &str| json!({"volumes": [{"type": "bind", "source": source, "target": "/x"}]});
        for (service, why) in [
            (json!({"privileged": true}), "privileged"),
            (json!({"network_mode": "host"}), "network_mode"),
            (json!({"pid": "container:other"}), "pid"),
            (json!({"cap_add": ["SYS_ADMIN"]}), "SYS_ADMIN"),
            (json!({"devices": [{"source": "/dev/kvm"}]}), "devices"),
            (bind("/var/run/docker.sock"), "docker.sock"),
            (bind("/home/a/lab/../other"), "outside"),
            (bind("/home/a/laboratory"), "outside"),
            (json!({"build": {"context": "https://example.org/x.git"}}), "outside"),
            (json!({"build": {"context": "/home/a"}}), "outside"),
        ] {
            let refusal = copy(service).unwrap_err();
            assert!(refusal.contains(why) && refusal.contains("`api`"), "{refusal}");
        }
        for model in [
            json!({"volumes": {"data": {"name": "data", "external": true}}}),
            json!({"networks": {"default": {"external": true}}}),
            json!({"secrets": {"s": {"file": "/etc/passwd"}}}),
            json!({"volumes": {"v": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}}),
        ] {
            assert!(copy_of(model.clone()).is_err(), "{model}");
        }
    }

    #[test]
    fn a_volume_in_memory_has_no_place() {
        let volume = json!({"driver_opts": {"type": "tmpfs", "o": "size=9m", "device": "tmpfs"}});
        let copy = copy_of(json!({"volumes": {"v": volume}})).unwrap();
        assert_eq!(copy["volumes"]["v"], volume);
    }

    #[test]
    fn a_file_of_the_machine_may_be_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = file.path().display().to_string();
        let bind = |source: &str, read_only: bool| {
            let bind =
                json!({"type": "bind", "source": source, "target": "/etc/localtime", "read_only": read_only});
            copy(json!({"volumes": [bind]}))
        };
        assert_eq!(bind(&source, true).unwrap()["services"]["api"]["volumes"][0]["source"], source);
        assert!(bind(&source, false).unwrap_err().contains("outside"));
        let directory = file.path().parent().unwrap().display().to_string();
        assert!(bind(&directory, true).unwrap_err().contains("outside"));
    }

    #[test]
    fn a_bind_of_the_whole_project_is_the_copys_directory() {
        let service = json!({"volumes": [{"type": "bind", "source": "/home/a/lab", "target": "/x"}]});
        assert_eq!(copy(service).unwrap()["services"]["api"]["volumes"][0]["source"], "/copies/labcheck-1");
    }
}
