//! The commands of the queue, with Redis' names, replies and errors.

use std::time::Duration;

use tokio::time::Instant;

use super::store::{End, Store, WrongType};
use crate::resp::{Connection, Value};

/// Longest time-out of a blocking pop in seconds; 0 means for ever.
const LONGEST_WAIT: f64 = 24.0 * 60.0 * 60.0;

/// What follows a command.
pub enum Next {
    /// An empty line asks nothing.
    Nothing,
    /// Answer at once.
    Reply(Value),
    /// Answer when there is something.
    Wait(Blocking),
    /// Answer and close.
    Quit,
}

/// A pop that waits.
pub struct Blocking {
    keys: Vec<Vec<u8>>,
    end: End,
    deadline: Option<Instant>,
}

impl Blocking {
    /// Waits for a value: `[key, value]`, nil when time is up, `None` if the
    /// client left. Watching for that matters: a value popped for a client
    /// that is gone would be lost.
    pub async fn wait(&self, store: &Store, client: &mut Connection) -> std::io::Result<Option<Value>> {
        loop {
            // Enabled before looking, so that no push falls in between.
            let mut pushed = std::pin::pin!(store.pushed.notified());
            pushed.as_mut().enable();
            if let Some(found) = self.pop(store) {
                return Ok(Some(found));
            }
            let timeout = async {
                match self.deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = pushed => {}
                () = timeout => return Ok(Some(Value::Nil)),
                open = client.read_more() => if !open? {
                    return Ok(None);
                },
            }
        }
    }

    fn pop(&self, store: &Store) -> Option<Value> {
        self.keys.iter().find_map(|key| match store.pop(key, self.end) {
            Ok(None) => None,
            Ok(Some(value)) => Some(Value::Array(vec![Value::Bulk(key.clone()), Value::Bulk(value)])),
            Err(WrongType) => Some(wrong_type()),
        })
    }
}

/// Executes one command; a wrong one gets an error reply.
pub fn execute(store: &Store, words: &[Vec<u8>]) -> Next {
    let Some((name, arguments)) = words.split_first() else {
        return Next::Nothing;
    };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    match (name.as_str(), arguments) {
        ("QUIT", _) => Next::Quit,
        ("BLPOP", [keys @ .., timeout]) if !keys.is_empty() => wait(keys, timeout, End::Left),
        ("BRPOP", [keys @ .., timeout]) if !keys.is_empty() => wait(keys, timeout, End::Right),
        _ => Next::Reply(reply(store, &name, arguments).unwrap_or_else(|WrongType| wrong_type())),
    }
}

fn reply(store: &Store, name: &str, arguments: &[Vec<u8>]) -> Result<Value, WrongType> {
    Ok(match (name, arguments) {
        ("PING", []) => Value::Simple("PONG".to_owned()),
        ("PING", [text]) => Value::Bulk(text.clone()),
        ("LPUSH", [key, values @ ..]) if !values.is_empty() => count(store.push(key, End::Left, values)?),
        ("RPUSH", [key, values @ ..]) if !values.is_empty() => count(store.push(key, End::Right, values)?),
        ("LPOP", [key]) => bulk(store.pop(key, End::Left)?),
        ("RPOP", [key]) => bulk(store.pop(key, End::Right)?),
        ("LLEN", [key]) => count(store.length(key)?),
        ("LRANGE", [key, first, last]) => match (whole(first), whole(last)) {
            (Some(first), Some(last)) => {
                let values = store.range(key, first, last)?;
                Value::Array(values.into_iter().map(Value::Bulk).collect())
            }
            _ => not_whole(),
        },
        ("SET", [key, value]) => {
            store.set(key, value.clone());
            Value::ok()
        }
        ("SET", [_, _, ..]) => Value::error("ERR syntax error: options of `set` are not supported"),
        ("GET", [key]) => bulk(store.get(key)?),
        ("DEL", keys @ [_, ..]) => count(store.remove(keys)),
        ("EXISTS", keys @ [_, ..]) => count(store.existing(keys)),
        ("INCR", [key]) => store.increment(key)?.map_or_else(not_whole, Value::Integer),
        ("INFO", _) => Value::Bulk(info(store).into_bytes()),
        // Clients ask for these when they connect; nothing depends on them.
        ("COMMAND", _) => Value::Array(Vec::new()),
        ("CLIENT", _) => Value::ok(),
        ("SELECT", [index]) if index == b"0" => Value::ok(),
        (
            "PING" | "LPUSH" | "RPUSH" | "LPOP" | "RPOP" | "BLPOP" | "BRPOP" | "LLEN" | "LRANGE" | "SET"
            | "GET" | "DEL" | "EXISTS" | "INCR" | "SELECT",
            _,
        ) => {
            Value::error(format!("ERR wrong number of arguments for '{}' command", name.to_ascii_lowercase()))
        }
        _ => Value::error(format!(
            "ERR unknown command '{}'",
            name.chars().take(40).collect::<String>().escape_default()
        )),
    })
}

fn wait(keys: &[Vec<u8>], timeout: &[u8], end: End) -> Next {
    let seconds = std::str::from_utf8(timeout)
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|seconds| (0.0..=LONGEST_WAIT).contains(seconds));
    let Some(seconds) = seconds else {
        return Next::Reply(Value::error("ERR timeout is not a float or out of range"));
    };
    Next::Wait(Blocking {
        keys: keys.to_vec(),
        end,
        deadline: (seconds > 0.0).then(|| Instant::now() + Duration::from_secs_f64(seconds)),
    })
}

fn info(store: &Store) -> String {
    format!(
        "# Server\r\nms_version:{}\r\nredis_mode:standalone\r\nprocess_id:{}\r\n\
         # Keyspace\r\ndb0:keys={},expires=0,avg_ttl=0\r\n",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        store.keys()
    )
}

fn count(number: usize) -> Value {
    Value::Integer(number as i64)
}

fn bulk(value: Option<Vec<u8>>) -> Value {
    value.map_or(Value::Nil, Value::Bulk)
}

fn whole(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn not_whole() -> Value {
    Value::error("ERR value is not an integer or out of range")
}

fn wrong_type() -> Value {
    Value::error("WRONGTYPE Operation against a key holding the wrong kind of value")
}
