//! AMF 0 (Adobe's Action Message Format), as far as RTMP uses it.

/// Objects in objects.
const MAX_DEPTH: usize = 8;
/// Values of a message, names and all.
const MAX_VALUES: usize = 1_024;
/// Longest text that is kept of a value, in bytes.
const MAX_TEXT: usize = 4_096;

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML: u8 = 15;
const TYPED_OBJECT: u8 = 16;

/// A value. What RTMP has no use for comes as the nearest that there is: undefined as null, a date as
/// its milliseconds, XML as text.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Number(f64),
    Boolean(bool),
    Text(String),
    /// An object or an ECMA array: names and values in their order.
    Object(Vec<(String, Value)>),
    Array(Vec<Value>),
    Null,
}

/// What is no AMF 0, or more of it than is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl Value {
    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A property of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(properties) => {
                properties.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Appends it as AMF 0 has it. Texts of more than 64 KiB are cut off.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => {
                out.push(NUMBER);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Boolean(value) => out.extend_from_slice(&[BOOLEAN, u8::from(*value)]),
            Self::Text(text) => {
                out.push(STRING);
                write_name(text, out);
            }
            Self::Object(properties) => {
                out.push(OBJECT);
                for (name, value) in properties {
                    write_name(name, out);
                    value.write(out);
                }
                out.extend_from_slice(&[0, 0, OBJECT_END]);
            }
            Self::Array(values) => {
                out.push(STRICT_ARRAY);
                out.extend_from_slice(&(values.len() as u32).to_be_bytes());
                values.iter().for_each(|value| value.write(out));
            }
            Self::Null => out.push(NULL),
        }
    }
}

fn write_name(text: &str, out: &mut Vec<u8>) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Reads values one behind the other.
pub struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    /// Of a whole message.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, values: 0 }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value.
    ///
    /// # Errors
    /// [`Malformed`], also for more than 1,024 values or 8 levels.
    pub fn read(&mut self) -> Result<Value, Malformed> {
        self.value(0)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(Malformed);
        }
        let [marker] = self.take()?;
        Ok(match marker {
            NUMBER => Value::Number(f64::from_be_bytes(self.take()?)),
            BOOLEAN => Value::Boolean(self.take()? != [0]),
            STRING => Value::Text(self.name()?),
            OBJECT => self.object(depth)?,
            NULL | UNDEFINED | UNSUPPORTED => Value::Null,
            ECMA_ARRAY => {
                // How many it has is a hint (2.10): encoders write 0.
                let _: [u8; 4] = self.take()?;
                self.object(depth)?
            }
            STRICT_ARRAY => {
                let count = u32::from_be_bytes(self.take()?);
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::Array(values)
            }
            DATE => {
                let milliseconds = f64::from_be_bytes(self.take()?);
                let _zone: [u8; 2] = self.take()?;
                Value::Number(milliseconds)
            }
            LONG_STRING | XML => {
                let length = u32::from_be_bytes(self.take()?);
                Value::Text(self.text(usize::try_from(length).map_err(|_| Malformed)?)?)
            }
            TYPED_OBJECT => {
                self.name()?;
                self.object(depth)?
            }
            _ => return Err(Malformed),
        })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Malformed> {
        let mut properties = Vec::new();
        loop {
            let name = self.name()?;
            if name.is_empty() && self.rest.first() == Some(&OBJECT_END) {
                let _: [u8; 1] = self.take()?;
                return Ok(Value::Object(properties));
            }
            properties.push((name, self.value(depth + 1)?));
        }
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let length = u16::from_be_bytes(self.take()?);
        self.text(length.into())
    }

    fn text(&mut self, length: usize) -> Result<String, Malformed> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        let kept = text.get(..MAX_TEXT).unwrap_or(text);
        Ok(String::from_utf8_lossy(kept).into_owned())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::Object(vec![
            ("app".into(), Value::Text("live".into())),
            ("audioCodecs".into(), Value::Number(3575.0)),
            ("fpad".into(), Value::Boolean(false)),
            ("nothing".into(), Value::Null),
            ("fourCcList".into(), Value::Array(vec![Value::Text("hvc1".into())])),
        ])
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        sample().write(&mut bytes);
        Value::Number(-1.5).write(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.read(), Ok(sample()));
        assert_eq!(reader.read(), Ok(Value::Number(-1.5)));
        assert!(reader.is_empty());
        assert_eq!(sample().get("app").and_then(Value::text), Some("live"));
    }

    #[test]
    fn arrays_by_name_and_dates_and_long_texts_are_read() {
        let bytes = [
            &[8, 0, 0, 0, 0, 0, 1, b'a', 11][..],
            &1e12f64.to_be_bytes(),
            &[0, 0, 0, 1, b'b', 12, 0, 0, 0, 2, b'h', b'i', 0, 0, 9],
        ]
        .concat();
        let value = Reader::new(&bytes).read().unwrap();
        assert_eq!(value.get("a"), Some(&Value::Number(1e12)));
        assert_eq!(value.get("b"), Some(&Value::Text("hi".into())));
    }

    #[test]
    fn cut_off_deep_and_endless_values_are_refused() {
        let mut bytes = Vec::new();
        sample().write(&mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(Reader::new(&bytes[..cut]).read(), Err(Malformed), "{cut}");
        }
        let deep: Vec<u8> = std::iter::repeat_n([3, 0, 1, b'a'], 100).flatten().collect();
        assert_eq!(Reader::new(&deep).read(), Err(Malformed));
        let endless = [&[10, 0xff, 0xff, 0xff, 0xff][..], &[5; 4000]].concat();
        assert_eq!(Reader::new(&endless).read(), Err(Malformed));
        // AMF 3 inside, which nobody sends.
        assert_eq!(Reader::new(&[17, 1]).read(), Err(Malformed));
    }
}
