//! Numbers for the threads of a process, where a signature has room for few.

/// Gives out the numbers below 32. None that a living thread has is given again while there are others,
/// and of those the one that was given longest ago: what a dead thread has signed is taken for a new
/// one's as late as possible.
#[derive(Debug, Default)]
pub struct Numbers {
    /// One bit for each number that a living thread has.
    taken: u32,
    next: u32,
}

impl Numbers {
    pub const COUNT: u32 = 32;

    /// None is taken.
    pub const fn new() -> Numbers {
        Numbers { taken: 0, next: 0 }
    }

    /// A number for a thread that begins.
    pub fn take(&mut self) -> u32 {
        let from = self.next;
        let free = (0..Self::COUNT)
            .map(|step| (from + step) % Self::COUNT)
            .find(|number| self.taken & 1 << number == 0);
        let number = free.unwrap_or(from);
        self.taken |= 1 << number;
        self.next = (number + 1) % Self::COUNT;
        number
    }

    /// Gives the number of a thread that ends back.
    pub fn give_back(&mut self, number: u32) {
        self.taken &= !(1 << number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_living_threads_have_one_number() {
        let mut numbers = Numbers::new();
        let first: Vec<_> = (0..Numbers::COUNT).map(|_| numbers.take()).collect();
        assert_eq!(first, (0..Numbers::COUNT).collect::<Vec<_>>());
        numbers.give_back(7);
        numbers.give_back(20);
        assert_eq!(numbers.take(), 7);
        assert_eq!(numbers.take(), 20);
        // A thousand workers, one after the other, beside 30 that live on.
        numbers.give_back(3);
        numbers.give_back(4);
        let mut before = numbers.take();
        for _ in 0..1000 {
            let number = numbers.take();
            assert!([3, 4].contains(&number) && number != before);
            numbers.give_back(before);
            before = number;
        }
    }

    #[test]
    fn a_number_comes_again_as_late_as_possible() {
        let mut numbers = Numbers::new();
        for round in 0..100 {
            let number = numbers.take();
            assert_eq!(number, round % Numbers::COUNT);
            numbers.give_back(number);
        }
    }

    #[test]
    fn more_threads_than_numbers_share_them() {
        let mut numbers = Numbers::new();
        let all: Vec<_> = (0..100).map(|_| numbers.take()).collect();
        assert!(all.iter().all(|&number| number < Numbers::COUNT));
    }
}
