//! Whether two kinds of requests can be told apart: by what is answered, and by how long it takes.

use std::time::{Duration, Instant};

use super::{Request, Response};

/// Samples of each kind.
const SAMPLES: usize = 400;
/// The greatest difference of the medians: this, or a twentieth of the time that an answer takes.
const MEDIAN_LIMIT: Duration = Duration::from_millis(2);
/// Less likely than this by chance alone, and the two are held to differ.
const LEAST_CHANCE: f64 = 0.01;
/// One round in a hundred fails by chance, and a neighbour's work may hit one kind more than the other; a real difference fails all.
const ROUNDS: usize = 3;

/// What two distributions have in common.
#[derive(Debug)]
struct Comparison {
    medians: [Duration; 2],
    /// the greatest distance of the two cumulative distributions
    distance: f64,
    /// how likely such a distance is where there is no difference
    chance: f64,
}

impl Comparison {
    fn of(mut samples: [Vec<Duration>; 2]) -> Self {
        samples.iter_mut().for_each(|kind| kind.sort());
        let medians = [samples[0][samples[0].len() / 2], samples[1][samples[1].len() / 2]];
        let distance = measure_distance(&samples[0], &samples[1]);
        let (n, m) = (samples[0].len() as f64, samples[1].len() as f64);
        Self { medians, distance, chance: find_chance(distance, n * m / (n + m)) }
    }

    fn is_alike(&self) -> bool {
        let [known, unknown] = self.medians;
        let difference = known.abs_diff(unknown);
        (difference <= MEDIAN_LIMIT || difference <= known.max(unknown) / 20) && self.chance > LEAST_CHANCE
    }
}

/// The statistic of Kolmogorov and Smirnov; both lists are sorted.
fn measure_distance(a: &[Duration], b: &[Duration]) -> f64 {
    let (mut i, mut j, mut greatest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let next = a[i].min(b[j]);
        i += a[i..].iter().take_while(|value| **value <= next).count();
        j += b[j..].iter().take_while(|value| **value <= next).count();
        greatest = greatest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    greatest
}

/// The asymptotic distribution of the statistic, with the correction of Stephens for finite samples.
fn find_chance(distance: f64, effective: f64) -> f64 {
    let lambda = (effective.sqrt() + 0.12 + 0.11 / effective.sqrt()) * distance;
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    (2.0 * (1..100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// What an answer looks like, without what is random in every answer and without the address that was typed.
fn normalize(response: &Response, typed: &str) -> String {
    let headers = response.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    // their order is that of a hash table, another one in each answer
    let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}\n")).collect();
    headers.sort();
    let mut text = format!("{}\n{}", response.status, headers.concat());
    text += "\n";
    text += &response.body;
    hide_random(&text.replace(typed, "ADDRESS").replace(&super::html::escape(typed), "ADDRESS"))
}

/// Long words of base64url letters, and references, are random; their length stays.
fn hide_random(text: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '%';
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !is_letter(c)) {
        let word = part.trim_end_matches(|c: char| !is_letter(c));
        let end = &part[word.len()..];
        match word.len() >= 32 || word.starts_with("req_") {
            true => shown += &format!("<{} random letters>", word.len()),
            false => shown += word,
        }
        shown += end;
    }
    shown
}

/// Asks in turns for somebody who is known and somebody who is not; `make` gives the request and the address in it, which must be of
/// one length for both. Nobody may be able to tell the answers apart.
#[track_caller]
pub(crate) fn assert_alike(what: &str, port: u16, mut make: impl FnMut(bool, usize) -> (Request, String)) {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let mut samples = [Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES)];
        for index in 0..2 * SAMPLES {
            // not strictly in turns, so that nothing that happens every second request falls on one kind alone
            let known = (index / 2 + index) % 2 == 0;
            let (request, typed) = make(known, round * 2 * SAMPLES + index);
            let bytes = request.to_bytes(port);
            let began = Instant::now();
            let answer = super::http::send(port, &bytes).expect("an answer");
            samples[usize::from(!known)].push(began.elapsed());
            if index < 40 {
                compare_answers(what, known, &answer, &typed, &mut make, (port, round * 2 * SAMPLES + index));
            }
        }
        let comparison = Comparison::of(samples);
        if comparison.is_alike() {
            return;
        }
        rounds.push(comparison);
    }
    panic!("{what}: known and unknown differ in time: {rounds:#?}");
}

/// The same question about somebody of the other kind gets the same answer.
fn compare_answers(
    what: &str,
    known: bool,
    answer: &[u8],
    typed: &str,
    make: &mut impl FnMut(bool, usize) -> (Request, String),
    (port, index): (u16, usize),
) {
    let (request, other_typed) = make(!known, index + 1_000_000);
    assert_eq!(typed.len(), other_typed.len(), "{what}: addresses of different length prove nothing");
    let other = super::http::send(port, &request.to_bytes(port)).expect("an answer");
    let parse = |bytes: &[u8]| Response::parse(bytes, false).expect("an HTTP answer");
    let (one, two) = (normalize(&parse(answer), typed), normalize(&parse(&other), &other_typed));
    assert_eq!(one, two, "{what}: what is answered differs");
}

#[test]
fn the_measure_tells_what_differs_and_nothing_else() {
    let ramp = |from: u64| (0..400).map(|step| Duration::from_micros(from + step * 10)).collect::<Vec<_>>();
    assert!(Comparison::of([ramp(10_000), ramp(10_003)]).is_alike());
    assert!(!Comparison::of([ramp(10_000), ramp(11_500)]).is_alike(), "a shape that differs");
    assert!(!Comparison::of([ramp(10_000), ramp(14_000)]).is_alike(), "a median that differs");
    let same = Comparison::of([ramp(10_000), ramp(10_000)]);
    assert!(same.distance < 0.01 && same.chance > 0.99, "{same:?}");
}
