//! WTF-8, apart from the system: so that every system can test it.

/// The 16-bit units that `bytes` encode; None where they are no WTF-8.
pub fn decode(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let valid = match std::str::from_utf8(rest) {
            Ok(_) => rest.len(),
            Err(error) => error.valid_up_to(),
        };
        let (text, after) = rest.split_at(valid);
        units.extend(std::str::from_utf8(text).ok()?.encode_utf16());
        rest = match after {
            [] => return Some(units),
            [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, after @ ..] => {
                units.push(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f));
                after
            }
            _ => return None,
        };
    }
}

/// The bytes that encode `units`.
pub fn encode(units: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                let second = 0x80 | (high & 0xf) << 2 | low >> 6;
                bytes.extend_from_slice(&[0xed, second, 0x80 | low & 0x3f]);
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_units_come_back_as_they_were() {
        for unit in 0..=u16::MAX {
            for units in [
                vec![unit],
                vec![0x61, unit, 0x62],
                vec![0xd83d, unit],
                vec![unit, 0xde00],
            ] {
                let bytes = encode(units.iter().copied());
                assert_eq!(decode(&bytes), Some(units.clone()), "{units:x?}");
                let text = String::from_utf16(&units);
                assert_eq!(
                    text.ok().map(String::into_bytes),
                    std::str::from_utf8(&bytes)
                        .ok()
                        .map(|text| text.as_bytes().to_vec())
                );
            }
        }
    }

    #[test]
    fn surrogates_are_encoded_as_characters_would_be() {
        assert_eq!(encode([0xd800].into_iter()), [0xed, 0xa0, 0x80]);
        assert_eq!(encode([0xdfff].into_iter()), [0xed, 0xbf, 0xbf]);
        assert_eq!(encode([0xd83d, 0xde00].into_iter()), "😀".as_bytes());
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            &[0xff][..],
            &[0xed, 0xa0],
            &[0xed, 0xa0, 0x7f],
            b"a\x80",
            &[0xc0, 0x80],
        ] {
            assert_eq!(decode(bytes), None, "{bytes:x?}");
        }
        assert_eq!(decode(b""), Some(Vec::new()));
    }
}
