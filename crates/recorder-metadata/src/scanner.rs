/// Reads a text from the front, piece by piece. A piece that does not match is not consumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Reads all of `parts` or, if one does not match, nothing.
    pub(crate) fn attempt<T>(&mut self, parts: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = *self;
        let found = parts(self);
        if found.is_none() {
            *self = before;
        }
        found
    }

    pub(crate) fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    pub(crate) fn one_of(&mut self, characters: &[char]) -> Option<char> {
        let found = self.rest.chars().next().filter(|found| characters.contains(found))?;
        self.rest = self.rest.strip_prefix(found)?;
        Some(found)
    }

    /// Reads characters while `is_part` holds, at least one.
    pub(crate) fn while_(&mut self, is_part: impl Fn(char) -> bool) -> Option<&'a str> {
        let len = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        self.split(len).filter(|found| !found.is_empty())
    }

    /// Reads up to `end` and skips it.
    pub(crate) fn until(&mut self, end: &str) -> Option<&'a str> {
        let (found, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(found)
    }

    /// Reads exactly `count` digits (at most nine). More digits may follow.
    pub(crate) fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.rest.get(..count).filter(|found| is_digits(found))?;
        self.split(count)?;
        digits.parse().ok()
    }

    /// Reads all digits. Returns `None` if the number exceeds 32 bits.
    pub(crate) fn number(&mut self) -> Option<u32> {
        self.attempt(|scanner| scanner.while_(|found| found.is_ascii_digit())?.parse().ok())
    }

    /// Reads a number with one decimal, in tenths.
    pub(crate) fn tenths(&mut self) -> Option<u32> {
        self.attempt(|scanner| {
            let whole = scanner.number()?;
            scanner.literal(".")?;
            whole.checked_mul(10)?.checked_add(scanner.digits(1)?)
        })
    }

    /// Reads a point or comma and the decimals of a second after it, in nanoseconds. Skips finer
    /// digits.
    pub(crate) fn fraction(&mut self) -> Option<u32> {
        self.attempt(|scanner| {
            scanner.one_of(&['.', ','])?;
            let digits = scanner.while_(|found| found.is_ascii_digit())?;
            let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
            nine.parse().ok()
        })
    }

    fn split(&mut self, at: usize) -> Option<&'a str> {
        let (found, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest;
        Some(found)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
