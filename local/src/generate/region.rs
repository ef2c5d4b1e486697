//! Regions in files whose other parts are written by hand.

/// The lines that enclose a region: the start of the line before it and of the line after it, without
/// blanks.
pub(super) struct Marks {
    pub(super) start: String,
    pub(super) end: String,
}

/// The text with new lines between the two marks; `None` where it has no such region.
pub(super) fn with_region(text: &str, marks: &Marks, region: &str) -> Option<String> {
    let (before, rest) = text.split_once(&marks.start)?;
    let (start, rest) = rest.split_once('\n')?;
    let end = rest.find(&marks.end)?;
    let end = rest[..end].rfind('\n').map_or(0, |line_end| line_end + 1);
    Some(format!(
        "{before}{}{start}\n{region}{}",
        marks.start,
        &rest[end..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, region: &str) -> Option<String> {
        let marks = Marks {
            start: "# <calls>".to_owned(),
            end: "# </calls>".to_owned(),
        };
        with_region(text, &marks, region)
    }

    #[test]
    fn the_lines_around_a_region_stay_unchanged() {
        let text = "a\n  # <calls> made\n  old\n  # </calls>\nb\n";
        let wanted = "a\n  # <calls> made\n  new\n  newer\n  # </calls>\nb\n";
        let once = made(text, "  new\n  newer\n").unwrap();
        assert_eq!(once, wanted);
        assert_eq!(made(&once, "  new\n  newer\n").unwrap(), wanted);
        assert_eq!(
            made("# <calls>\n# </calls>", "x\n").unwrap(),
            "# <calls>\nx\n# </calls>"
        );
    }

    #[test]
    fn a_text_without_the_whole_region_has_none() {
        for text in [
            "",
            "# <calls>\n",
            "# </calls>\n",
            "# </calls>\n# <calls>",
            "# <other>\n",
        ] {
            assert_eq!(made(text, "x\n"), None, "{text}");
        }
    }
}
