//! What makes a long password easy to guess: a short list, repetitions, sequences, a common word with a tail, words about the account.
//!
//! The list is short and built in: it stops what everybody tries first, not everything that was ever stolen.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Fewer characters than this that do not follow from the one before make a password of any length a pattern.
const MIN_FREE_CHARACTERS: usize = 6;

/// Compares without case; not the full case folding of Unicode, which nothing here needs.
pub(super) fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// In the list, or like what is in it.
pub(super) fn is_common(password: &[char]) -> bool {
    let text: Zeroizing<String> = Zeroizing::new(password.iter().collect());
    COMMON_PASSWORDS.contains(&text.as_str())
        || count_different(password) < MIN_FREE_CHARACTERS - 1
        || count_free(shortest_unit(password)) < MIN_FREE_CHARACTERS
        || is_common_word_with_tail(password)
}

/// One common word, perhaps repeated or with signs for letters, and around it no more than a year and two signs: `P@ssw0rd2024!!`.
fn is_common_word_with_tail(password: &[char]) -> bool {
    let is_letter = |c: &char| c.is_alphabetic();
    let (Some(first), Some(last)) = (password.iter().position(is_letter), password.iter().rposition(is_letter)) else {
        return false;
    };
    let around = count_free(&password[..first]) + count_free(&password[last + 1..]);
    // a leading or trailing sign may itself stand for a letter: `@dmin…`, `…pa55`
    [(first, last), (0, last), (first, password.len() - 1)].into_iter().any(|(from, to)| {
        let plain: Vec<char> = password[from..=to].iter().map(|&c| undo_leet(c)).collect();
        let word: String = shortest_unit(&plain).iter().collect();
        around <= MIN_FREE_CHARACTERS && COMMON_WORDS.contains(&word.as_str())
    })
}

fn undo_leet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// The password is a word about the account once everything but letters and digits is gone, or once the digits around it are gone too.
pub(super) fn is_personal(password: &[char], word: &str) -> bool {
    let plain = keep_alphanumeric(password);
    let inner = trim_digits(&plain);
    let local_part = word.split('@').next().unwrap_or(word);
    [word, local_part].into_iter().any(|candidate| {
        let candidate = keep_alphanumeric(&fold(&candidate.nfc().collect::<String>()));
        let trimmed = trim_digits(&candidate);
        let fits = |part: &[char]| {
            shortest_unit(part) == candidate.as_slice() || (trimmed.len() >= 3 && shortest_unit(part) == trimmed)
        };
        candidate.len() >= 3 && (fits(&plain) || fits(inner))
    })
}

fn keep_alphanumeric(text: &[char]) -> Vec<char> {
    text.iter().copied().filter(|c| c.is_alphanumeric()).collect()
}

fn trim_digits(text: &[char]) -> &[char] {
    let is_other = |c: &char| !c.is_numeric();
    match (text.iter().position(is_other), text.iter().rposition(is_other)) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => &[],
    }
}

/// `abcabcabc` is `abc`; a text that repeats nothing is itself.
fn shortest_unit(text: &[char]) -> &[char] {
    let whole = |length: &usize| {
        text.len().is_multiple_of(*length) && text.chunks(*length).all(|chunk| chunk == &text[..*length])
    };
    (1..=text.len() / 2).find(whole).map_or(text, |length| &text[..length])
}

fn count_different(text: &[char]) -> usize {
    text.iter().enumerate().filter(|&(at, c)| !text[..at].contains(c)).count()
}

/// Counts the characters that do not continue a run: `aaaa`, `4321`, `abcd` and `qwertz` have two each.
fn count_free(text: &[char]) -> usize {
    let continues =
        |triple: &[char]| step(triple[0], triple[1]).is_some_and(|first| Some(first) == step(triple[1], triple[2]));
    text.len() - text.windows(3).filter(|triple| continues(triple)).count()
}

/// How one key follows another: in the alphabet or on a row of the keyboard, forwards, backwards or not moving.
fn step(from: char, to: char) -> Option<(bool, i32)> {
    if matches!((from, to), ('9', '0')) {
        return Some((false, 1));
    }
    let distance = i64::from(u32::from(to)) - i64::from(u32::from(from));
    if (-1..=1).contains(&distance) {
        return i32::try_from(distance).ok().map(|distance| (false, distance));
    }
    [
        "qwertyuiop[]",
        "qwertzuiopü",
        "azertyuiop",
        "asdfghjkl;'",
        "zxcvbnm,./",
        "yxcvbnm,.-",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
        "1q2w3e4r5t6y7u8i9o0p",
    ]
    .iter()
    .find_map(|row| {
        let place = |key: char| row.chars().position(|c| c == key);
        let (from, to) = (place(from)?, place(to)?);
        if to == from + 1 {
            Some((true, 1))
        } else if from == to + 1 {
            Some((true, -1))
        } else {
            None
        }
    })
}

/// Words that people pad into a long password.
const COMMON_WORDS: &[&str] = &[
    "abc",
    "abcdef",
    "access",
    "admin",
    "administrator",
    "adminadmin",
    "america",
    "angel",
    "anthony",
    "arsenal",
    "ashley",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "baseball",
    "basketball",
    "batman",
    "beautiful",
    "blink",
    "butterfly",
    "changeit",
    "changeme",
    "charlie",
    "cheese",
    "chelsea",
    "chocolate",
    "company",
    "computer",
    "cookie",
    "daniel",
    "default",
    "demo",
    "diamond",
    "dragon",
    "facebook",
    "family",
    "flower",
    "football",
    "forever",
    "freedom",
    "friends",
    "gatepost",
    "george",
    "ginger",
    "google",
    "guest",
    "hannah",
    "hello",
    "helloworld",
    "hunter",
    "iloveyou",
    "jennifer",
    "jessica",
    "jesus",
    "jordan",
    "joshua",
    "justin",
    "killer",
    "letmein",
    "linkedin",
    "liverpool",
    "login",
    "lovely",
    "loveme",
    "loveyou",
    "maggie",
    "manager",
    "master",
    "matthew",
    "michael",
    "michelle",
    "minecraft",
    "monkey",
    "mustang",
    "mypassword",
    "mysecret",
    "naruto",
    "nicole",
    "oauth",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "pepper",
    "please",
    "pokemon",
    "princess",
    "purple",
    "qazwsx",
    "qazwsxedc",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "robert",
    "root",
    "samsung",
    "secret",
    "secure",
    "security",
    "server",
    "shadow",
    "soccer",
    "spring",
    "starwars",
    "summer",
    "sunshine",
    "superman",
    "superuser",
    "system",
    "temp",
    "temporary",
    "test",
    "tester",
    "testing",
    "thepassword",
    "thomas",
    "tigger",
    "trustno",
    "user",
    "username",
    "welcome",
    "whatever",
    "william",
    "winter",
    "autumn",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "friday",
    "sunday",
    "yellow",
    "zxcvbn",
    "zxcvbnm",
];

/// Long passwords that turn up in nearly every published list and that no rule above finds.
const COMMON_PASSWORDS: &[&str] = &[
    "112233445566",
    "11223344556677",
    "1122334455667788",
    "101010101010",
    "102030405060",
    "123123456456",
    "123456654321",
    "123456qwerty",
    "123456abcdef",
    "12345qwert12345",
    "123qweasdzxc",
    "123qwe123qwe",
    "1234qwerasdf",
    "1234qwerasdfzxcv",
    "147258369147",
    "147258369258",
    "159357159357",
    "741852963741",
    "789456123789",
    "987654321abc",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "!qaz2wsx3edc",
    "!qaz@wsx#edc",
    "zaq12wsxcde3",
    "zaq1xsw2cde3",
    "zaq12wsx!qaz",
    "q1w2e3r4t5y6",
    "qweasdzxc123",
    "qweasdzxcqwe",
    "qwertyasdfgh",
    "qwertyasdfghzxcvbn",
    "qwerty123456",
    "qwertyui12345678",
    "qazwsxedcrfv",
    "qazwsxedcrfvtgb",
    "qazwsx123456",
    "asdfghjkl123",
    "asdasdasdasd",
    "asdfasdfasdf",
    "aaa111bbb222",
    "abc123abc123",
    "abcd1234abcd",
    "abcd1234efgh",
    "abcdefg12345",
    "abcdefgh1234",
    "abcdefgh12345678",
    "a1b2c3d4e5f6",
    "a1b2c3d4e5f6g7",
    "a1b2c3d4e5f6g7h8",
    "a123456789012",
    "aa123456789",
    "alexanderthegreat",
    "alwaysandforever",
    "americanidol",
    "backstreetboys",
    "bangbangbang",
    "barcelona1899",
    "batteryhorsestaple",
    "blahblahblah",
    "bismillah786",
    "californication",
    "changethispassword",
    "christopher1",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "correct-horse-battery-staple",
    "dontforgetthis",
    "easypassword",
    "enterpassword",
    "fuckyoufuckyou",
    "fuckyou123456",
    "godisgoodallthetime",
    "harrypotter1",
    "harrypotter123",
    "hellohellohello",
    "hello123hello",
    "helloworld123",
    "helpmehelpme",
    "heythereyou",
    "idontknow123",
    "ihateyou1234",
    "ilovemyfamily",
    "ilovemymom",
    "ilovejesus123",
    "iloveyou12345",
    "iloveyou4ever",
    "iloveyouforever",
    "iloveyousomuch",
    "iamthebest123",
    "jesuschrist1",
    "jesusislord",
    "jesusismylord",
    "jesuslovesme",
    "johnjacobjingleheimer",
    "justinbieber",
    "justinbieber1",
    "letmein12345",
    "letmeinplease",
    "liverpoolfc1",
    "lordoftherings",
    "lovelovelove",
    "ludacris12345",
    "manchesterunited",
    "manchester123",
    "masterofpuppets",
    "maythe4thbewithyou",
    "maytheforcebewithyou",
    "metallica123",
    "mickeymouse1",
    "motherfucker",
    "motherfucker1",
    "mynameisearl",
    "mypassword123",
    "neverforget123",
    "newpassword1",
    "newpassword123",
    "nopasswordhere",
    "notapassword",
    "onedirection",
    "onedirection1",
    "opensesame123",
    "pa55word1234",
    "parolaparola",
    "passpasspass",
    "password1password",
    "passwordispassword",
    "passwordpassword",
    "password!@#$",
    "passwordsecret",
    "philadelphia",
    "playstation2",
    "playstation3",
    "playstation4",
    "pokemon12345",
    "princess1234",
    "proverbs3:5-6",
    "qwerty12qwerty",
    "realmadrid123",
    "redhotchilipeppers",
    "rockyoubaby",
    "rollercoaster",
    "rootpassword",
    "santaclaus123",
    "secretpassword",
    "skateboarding",
    "slipknot12345",
    "southernstyle",
    "spongebob123",
    "squarepants",
    "starwars1234",
    "strongpassword",
    "supersecretpassword",
    "superman1234",
    "sweetheart123",
    "temporarypassword",
    "testpassword",
    "test1234test1234",
    "testtesttest",
    "thequickbrownfox",
    "the quick brown fox",
    "thisisapassword",
    "thisismypassword",
    "this is my password",
    "tinkerbell123",
    "tobeornottobe",
    "to be or not to be",
    "trustno1trustno1",
    "undertaker123",
    "unbelievable",
    "unforgettable",
    "volleyball123",
    "washington123",
    "welcome12345",
    "welcometohell",
    "welcometothejungle",
    "whatsoever12",
    "whatthefuck1",
    "whatthehell1",
    "whoknows1234",
    "wonderful123",
    "yourpassword",
    "youaremysunshine",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_the_form_that_they_are_compared_in() {
        for word in COMMON_WORDS.iter().chain(COMMON_PASSWORDS) {
            assert_eq!(fold(word).iter().collect::<String>(), *word);
        }
        for word in COMMON_WORDS {
            assert!(word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
        }
    }
}
