//! Clauses: where German and English put their parts.

use super::adverbial;
use super::derivation::Derivation;
use super::phenomena::Phenomenon;
use super::phrase::{Case, Detail, Phrase, Wanted, definite, phrase};
use super::predicate::{Form, Frame, HAVE, affirmative, negative, with_auxiliary};
use super::words::{Doer, Gender, Kind, MODALS, Number, Verb};

/// Where the finite verb stands, and what that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In the second place: a statement.
    Second,
    /// First: a statement behind another clause.
    First,
    /// First: a question.
    Question,
    /// Last: a subordinate clause.
    Last,
}

/// What a relative pronoun stands for.
#[derive(Debug, Clone, Copy)]
enum Gap<'a> {
    Nothing,
    Subject(&'a Phrase),
    Object(&'a Phrase, Frame),
}

/// A clause that has been said.
#[derive(Debug)]
pub struct Clause {
    /// Its English, without a mark at the end.
    pub english: String,
    /// Its subject.
    pub subject: Phrase,
    /// Its object, if it has just one.
    pub object: Option<Phrase>,
}

/// What has been said of a clause.
struct Parts {
    number: Number,
    subject: Option<Phrase>,
    frame: Option<Frame>,
    object: Option<Phrase>,
    recipient: Option<Phrase>,
    extent: Option<String>,
    place: Option<String>,
    time: Option<String>,
    negated: bool,
}

/// What stands before the finite verb of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Front {
    Subject,
    Time,
    Object,
    Nothing,
}

/// A clause that stands for itself.
pub fn clause(d: &mut Derivation, order: Order, detail: Detail) -> Option<Clause> {
    Parts::new().say(d, order, Gap::Nothing, detail)
}

/// ", den der lehrer sucht": "whom the teacher looks for", about what `head` is.
pub fn relative(d: &mut Derivation, head: &Phrase) -> Option<String> {
    d.show(Phenomenon::Relative);
    d.say(",")?;
    let form = match head.number {
        Number::Singular => (head.number, head.gender),
        Number::Plural => (head.number, None),
    };
    let person = head.kind == Kind::Person;
    let (pronoun, gap) = match d.choose(&[50, 50]) {
        0 => (definite(form, Case::Nominative), Gap::Subject(head)),
        _ => {
            let frame = match person && d.chance(25) {
                true => Frame::Dative,
                false => Frame::Accusative(head.kind),
            };
            let (case, _) = frame.object()?;
            let pronoun = match (case, head.number) {
                (Case::Dative, Number::Plural) => "denen",
                _ => definite(form, case),
            };
            (pronoun, Gap::Object(head, frame))
        }
    };
    d.say(pronoun)?;
    let clause = Parts::new().say(d, Order::Last, gap, Detail::Plain)?;
    d.open_comma();
    let pronoun = match (person, gap) {
        (true, Gap::Object(..)) => "whom",
        (true, _) => "who",
        (false, _) => "which",
    };
    Some(format!("{pronoun} {}", clause.english))
}

impl Parts {
    fn new() -> Self {
        Self {
            number: Number::Singular,
            subject: None,
            frame: None,
            object: None,
            recipient: None,
            extent: None,
            place: None,
            time: None,
            negated: false,
        }
    }

    fn say(mut self, d: &mut Derivation, order: Order, gap: Gap, detail: Detail) -> Option<Clause> {
        match gap {
            Gap::Nothing => {}
            Gap::Subject(head) => {
                // Things do nothing.
                if head.kind == Kind::Thing {
                    return None;
                }
                self.number = head.number;
                self.subject = Some(head.clone());
            }
            Gap::Object(head, frame) => {
                self.frame = Some(frame);
                self.object = Some(Phrase {
                    marked: frame == Frame::Dative
                        || (head.gender, head.number)
                            == (Some(Gender::Masculine), Number::Singular),
                    ..head.clone()
                });
            }
        }
        let front = match order {
            Order::Second => self.front(d, detail)?,
            _ => Front::Nothing,
        };
        let early = match order {
            Order::Last => None,
            _ => Some(self.finite(d)?),
        };
        self.middle(d, front, detail, order)?;
        let (form, verb) = self.end(d, early)?;
        self.finish(front, gap, order, form, verb)
    }

    /// What stands before the finite verb of a statement.
    fn front(&mut self, d: &mut Derivation, detail: Detail) -> Option<Front> {
        Some(match d.choose(&[60, 22, 18]) {
            0 => {
                self.say_subject(d, None, detail)?;
                Front::Subject
            }
            1 => {
                self.time = Some(adverbial::time(d)?);
                d.show(Phenomenon::Inversion);
                Front::Time
            }
            _ => {
                let frame = Frame::of_one_object(d);
                let (case, kind) = frame.object()?;
                self.frame = Some(frame);
                self.object = Some(phrase(d, Wanted::plain(case, kind))?);
                d.show(Phenomenon::ObjectFirst);
                Front::Object
            }
        })
    }

    /// The finite verb where it stands before its objects, and which verb that is, if it is one already.
    fn finite(&mut self, d: &mut Derivation) -> Option<(Form, Option<&'static Verb>)> {
        if self.subject.is_none() {
            self.number = [Number::Singular, Number::Plural][d.choose(&[70, 30])];
        }
        let number = self.number;
        match d.choose(&[55, 25, 20]) {
            0 => {
                let frame = match self.frame {
                    Some(frame) => frame,
                    None => *self.frame.insert(Frame::draw(d)),
                };
                let verbs = frame.verbs(self.subject.as_ref().map(|subject| subject.kind));
                let verb = d.pick(&verbs, |verb| number.of(verb.finite).to_owned())?;
                Some((Form::Present, Some(verb)))
            }
            1 => {
                d.say(number.of(HAVE))?;
                Some((Form::Perfect, None))
            }
            _ => {
                let modals: Vec<_> = MODALS.iter().collect();
                let modal = d.pick(&modals, |modal| number.of(modal.german).to_owned())?;
                Some((Form::Modal(modal), None))
            }
        }
    }

    fn say_subject(
        &mut self,
        d: &mut Derivation,
        number: Option<Number>,
        detail: Detail,
    ) -> Option<()> {
        let kind = [Kind::Person, Kind::Animal][d.choose(&[80, 20])];
        let subject = phrase(
            d,
            Wanted {
                number,
                detail,
                ..Wanted::plain(Case::Nominative, kind)
            },
        )?;
        self.number = subject.number;
        self.subject = Some(subject);
        Some(())
    }

    /// What stands between the finite verb and the end, or before all verbs at the end.
    fn middle(
        &mut self,
        d: &mut Derivation,
        front: Front,
        detail: Detail,
        order: Order,
    ) -> Option<()> {
        if self.subject.is_none() {
            let number = (order != Order::Last).then_some(self.number);
            self.say_subject(d, number, Detail::Plain)?;
        }
        if let (Some(subject), Some(object)) = (&self.subject, &self.object) {
            let told = subject.marked || object.marked || subject.number != object.number;
            if !told {
                return None;
            }
        }
        if front != Front::Time && d.chance(15) {
            self.time = Some(adverbial::time(d)?);
        }
        self.objects(d, detail)?;
        let definite = self.object.as_ref().is_none_or(|object| object.definite);
        if definite && self.extent.is_none() && order != Order::Question && d.chance(16) {
            d.say("nicht")?;
            d.show(Phenomenon::Negation);
            self.negated = true;
        }
        if d.chance(14) {
            self.place = Some(adverbial::place(d)?);
        }
        Some(())
    }

    /// The objects that have not been said, and how long or for how much.
    fn objects(&mut self, d: &mut Derivation, detail: Detail) -> Option<()> {
        let frame = match self.frame {
            Some(frame) => frame,
            None => *self.frame.insert(Frame::draw(d)),
        };
        if frame == Frame::Giving {
            self.recipient = Some(phrase(d, Wanted::plain(Case::Dative, Kind::Person))?);
            d.show(Phenomenon::Recipient);
        }
        if let (None, Some((case, kind))) = (&self.object, frame.object()) {
            let wanted = Wanted {
                owner: self.subject.as_ref(),
                detail,
                ..Wanted::plain(case, kind)
            };
            self.object = Some(phrase(d, wanted)?);
        }
        match frame {
            Frame::Trading => self.extent = Some(adverbial::price(d)?),
            Frame::Alone if d.chance(50) => self.extent = Some(adverbial::duration(d)?),
            _ => {}
        }
        Some(())
    }

    /// The end of the clause.
    fn end(
        &self,
        d: &mut Derivation,
        early: Option<(Form, Option<&'static Verb>)>,
    ) -> Option<(Form, &'static Verb)> {
        let verbs = self
            .frame?
            .verbs(self.subject.as_ref().map(|subject| subject.kind));
        match early {
            Some((form, Some(verb))) => {
                // A subject behind the verb may be one that the verb cannot have.
                if verb.doer == Doer::Person && self.subject.as_ref()?.kind == Kind::Animal {
                    return None;
                }
                if !verb.particle.is_empty() {
                    d.show(Phenomenon::Bracket);
                    d.say(verb.particle)?;
                }
                Some((form, verb))
            }
            Some((form, None)) => {
                d.show(Phenomenon::Bracket);
                let verb = d.pick(&verbs, |verb| match form {
                    Form::Perfect => verb.participle.to_owned(),
                    _ => format!("{}{}", verb.particle, verb.finite[1]),
                })?;
                Some((form, verb))
            }
            None => {
                d.show(Phenomenon::VerbFinal);
                self.all_verbs(d, &verbs)
            }
        }
    }

    /// All parts of the verb, the finite one last.
    fn all_verbs(
        &self,
        d: &mut Derivation,
        verbs: &[&'static Verb],
    ) -> Option<(Form, &'static Verb)> {
        let number = self.number;
        match d.choose(&[55, 25, 20]) {
            0 => {
                let last = |verb: &Verb| format!("{}{}", verb.particle, number.of(verb.finite));
                Some((Form::Present, d.pick(verbs, last)?))
            }
            1 => {
                let verb = d.pick(verbs, |verb| verb.participle.to_owned())?;
                d.say(number.of(HAVE))?;
                Some((Form::Perfect, verb))
            }
            _ => {
                let infinitive = |verb: &Verb| format!("{}{}", verb.particle, verb.finite[1]);
                let verb = d.pick(verbs, infinitive)?;
                let modals: Vec<_> = MODALS.iter().collect();
                let modal = d.pick(&modals, |modal| number.of(modal.german).to_owned())?;
                Some((Form::Modal(modal), verb))
            }
        }
    }

    /// The English: subject, verb, object, recipient, extent, place, time.
    fn finish(
        self,
        front: Front,
        gap: Gap,
        order: Order,
        form: Form,
        verb: &Verb,
    ) -> Option<Clause> {
        let subject = self.subject?;
        let mut parts = Vec::new();
        let mut last = self.time;
        if front == Front::Time {
            parts.extend(last.take());
        }
        let named = match gap {
            Gap::Subject(_) => None,
            _ => Some(subject.english.clone()),
        };
        if order == Order::Question {
            let (auxiliary, rest) = with_auxiliary(form, self.number, verb);
            parts.push(auxiliary.to_owned());
            parts.extend(named);
            parts.push(rest);
        } else {
            parts.extend(named);
            parts.push(match self.negated {
                true => negative(form, self.number, verb),
                false => affirmative(form, self.number, verb),
            });
        }
        if let (Some(object), Gap::Nothing | Gap::Subject(_)) = (&self.object, gap) {
            parts.push(object.english.clone());
        }
        if let Some(recipient) = &self.recipient {
            parts.push(format!("to {}", recipient.english));
        }
        parts.extend(self.extent);
        parts.extend(self.place);
        parts.extend(last);
        Some(Clause {
            english: parts.join(" "),
            subject,
            object: self.object.filter(|_| self.recipient.is_none()),
        })
    }
}
