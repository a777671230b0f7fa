//! Paths of the form `\\?\C:\folder`, apart from the system: so that every system can test it.

/// Windows limits paths of the usual form to 260 units with the zero at the end, unless a program and the
/// machine have opted for more.
const LONGEST: usize = 259;

/// `C:\folder` for `\\?\C:\folder`, and `\\server\share` for `\\?\UNC\server\share`. None where Windows
/// would read that otherwise: it takes what follows `\\?\` as it is, and elsewhere drops dots and spaces at
/// the end of names and gives some names to devices.
pub fn without_prefix(path: &[u16]) -> Option<Vec<u16>> {
    let text = String::from_utf16_lossy(path);
    let rest = text.strip_prefix(r"\\?\")?;
    let (prefix, names, dropped) = match rest.strip_prefix(r"UNC\") {
        Some(share) => (r"\\", share, r"\\?\UNC\".len()),
        None => {
            let (drive, names) = rest.split_once('\\')?;
            let is_drive =
                matches!(drive.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
            (is_drive.then_some("")?, names, r"\\?\".len())
        }
    };
    let is_root = names.is_empty();
    let means_itself = is_root || names.split('\\').all(means_itself);
    let usual: Vec<u16> = prefix
        .encode_utf16()
        .chain(path[dropped..].iter().copied())
        .collect();
    (means_itself && usual.len() <= LONGEST).then_some(usual)
}

/// Whether a name means the same with and without `\\?\` before its path.
fn means_itself(name: &str) -> bool {
    let forbidden = |unit: char| unit < ' ' || "<>:\"/|?*".contains(unit);
    !name.is_empty() && !name.ends_with(['.', ' ']) && !name.contains(forbidden) && !is_device(name)
}

/// Whether Windows gives the name to a device, whatever follows its first dot ("Naming files, paths, and
/// namespaces" in Microsoft's documentation).
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let number = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    let mut number = number.unwrap_or_default().chars();
    matches!(
        (number.next(), number.next()),
        (Some('0'..='9' | '¹' | '²' | '³'), None)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(path: &str) -> Option<String> {
        let units: Vec<u16> = path.encode_utf16().collect();
        without_prefix(&units).map(|usual| String::from_utf16_lossy(&usual))
    }

    #[test]
    fn usual_paths_lose_the_prefix() {
        for path in [
            r"C:\",
            r"C:\a",
            r"z:\a b\c.txt",
            r"C:\ü😀\.hidden",
            r"C:\com\conx\nulls.con",
            r"C:\COM10",
        ] {
            assert_eq!(shortened(&format!(r"\\?\{path}")).as_deref(), Some(path));
        }
        assert_eq!(
            shortened(r"\\?\UNC\server\share\a").as_deref(),
            Some(r"\\server\share\a")
        );
        assert_eq!(
            shortened(&format!(r"\\?\C:\{}", "x".repeat(256))).map(|path| path.len()),
            Some(259)
        );
    }

    #[test]
    fn a_surrogate_without_a_partner_stays() {
        let path = [r"\\?\C:\".encode_utf16().collect(), vec![0xd800_u16]].concat();
        assert_eq!(without_prefix(&path), Some(path[4..].to_vec()));
    }

    #[test]
    fn paths_that_mean_something_else_without_it_keep_it() {
        for path in [
            r"\\?\C:\a.",
            r"\\?\C:\a \b",
            r"\\?\C:\a\..",
            r"\\?\C:\a\.\b",
            r"\\?\C:\a/b",
            r"\\?\C:\a\\b",
            r"\\?\C:\nul",
            r"\\?\C:\Aux.txt",
            r"\\?\C:\com1",
            r"\\?\C:\LPT²",
            r"\\?\C:\con .x",
            r"\\?\C:\a\",
            r"\\?\C:",
            r"\\?\Volume{1}\a",
            r"\\?\1:\a",
            r"\\?\UNC\server\share\nul",
            r"C:\a",
            r"\\.\C:\a",
            "",
        ] {
            assert_eq!(shortened(path), None, "{path}");
        }
        assert_eq!(shortened(&format!(r"\\?\C:\{}", "x".repeat(257))), None);
    }
}
