"""Mentions that a question names without saying that its patient has them.

Belongs: named cases over the words around a mention, and over names that mean another thing.
Does not belong: plain negation and status (tests/graph).
"""

from __future__ import annotations

from importlib import resources

import pytest

from medreason.chains.doubt import Place, is_another_thing, is_doubtful
from medreason.graph.linking.normalise import name_key
from medreason.graph.linking.words import MISLEADING_NAMES, WRONG_NAMES

_ASKED = " Which diagnosis is most likely?"

DOUBTFUL = {
    "scale": ("His Glasgow [coma] scale is 9.", {}),
    "score": ("The [dermatitis] score rose.", {}),
    "control test": ("She took the [asthma] control test.", {}),
    "not reported": ("He does not report [fever] or cough.", {}),
    "not yet": ("She has nausea but has not [vomited] yet.", {}),
    "not in a list": ("The rash is not painful or [itchy].", {}),
    "never": ("She never received the vaccine for [human papillomavirus].", {}),
    "nobody": ("No patient had [biliary atresia].", {}),
    "nobody in a study": ("No patient had [biliary atresia].", {"is_study": True}),
    "belief": ("He believes he may be having a [heart attack].", {}),
    "worry": ("The father is worried that this is [pneumonia] again.", {}),
    "risk": ("Surgery is advised because of the risk of [atrial fibrillation].", {}),
    "read about": ("She spends her time researching [diabetes] at home.", {}),
    "test for it": ("Her last test for [hepatitis C] was years ago.", {}),
    "test of it": ("[Hepatitis B] surface antigen was sent.", {}),
    "negative behind": ("Results: [HIV] negative, RPR 1/320.", {}),
    "negative before": ("Negative LUES and [HIV] serologies.", {}),
    "negative in a table": ("| [Opioids] | negative |", {"is_drug": True}),
    "vaccination": ("She is advised to take [influenza] vaccinations.", {}),
    "clinic": ("He attends a [methadone] clinic.", {"is_drug": True}),
    "drinks": ("He has 1 [alcoholic] drink a week.", {}),
    "allergic to it": ("He had anaphylaxis to [penicillin].", {"is_drug": True}),
    "allergic behind": ("Which drug helps a [penicillin] allergic child?", {"is_drug": True}),
    "resistant to it": ("The culture is resistant to [vancomycin].", {"is_drug": True}),
    "like it": ("There is a [wart]-like lesion.", {}),
    "shape": ("The ECG shows ST [depression].", {}),
    "cell": ("His [CD4]+ T-lymphocyte count is low.", {"is_gene": True}),
    "normal value": ("There is a normal [C1 esterase inhibitor] level.", {"is_gene": True}),
    "relative": ("Her daughter has [hypothyroidism].", {}),
    "stopped": ("Discontinue [metformin] therapy", {"side": "answer", "is_drug": True}),
    "a spot": ("There is enlargement of the [blind] spot.", {}),
    "a trial": ("A double-[blind] trial was made.", {"is_study": True}),
    "a shot": ("He receives a yearly [influenza] shot.", {}),
    "a muscle's work": ("In the power [stroke] ATP is used.", {}),
    "what a relative died of": ("Her father passed away at the age of 51 due to [heart failure].", {}),
    "feared": ("She is worried about [gaining weight].", {}),
    "another subject": ("Bile salts and bile in [urine are absent].", {}),
    "withdrawal": ("He took [amobarbital]. What follows amobarbital withdrawal in this man?", {"is_drug": True}),
    "absent as option": ("Absence of [murmur]", {"side": "answer"}),
    "species as option": ("S. [pneumonia]", {"side": "option"}),
    "less of it": ("There was less [vomiting] with the drug.", {"is_study": True}),
    "less of the drug": ("Reduce [lithium] dosage by 50%", {"side": "option", "is_drug": True}),
    "reaction to a drug": ("Allergies include carbapenems (causing severe [diarrhea]) and latex.", {}),
    "stopped for it": ("He stopped taking verapamil because of [constipation].", {}),
    "itching elsewhere": ("She has an [itchy] sensation in the throat.", {}),
    "brought about": ("Provoke [vomiting]", {"side": "option"}),
    "in the family": ("Family history of [diabetes mellitus]", {"side": "option"}),
    "an earlier episode": ("One month ago he had an episode of otalgia, [fever] and otorrhea.", {}),
    "lost on a diet": ("She kept multiple diets with [weight loss] of 5 kg.", {}),
    "excluded for it": ("Ten were excluded because of anemia or [hematochezia].", {"is_study": True}),
    "a trigger": ("He has stridor upon [agitation].", {}),
    "a pattern": ("The ERG revealed a [myopathic] pattern.", {}),
    "suspected": ("[Kawasaki] disease is suspected and treated.", {}),
    "test of a protein": ("[Interferon] release assay positive.", {"is_gene": True}),
    "a relative who has it": ("He lives with a 102-year-old grandmother who is frail and has [Parkinson disease].", {}),
    "somebody else's": ("He had exposure to an individual with active [tuberculosis].", {}),
    "the mother's": ("A newborn is ill. Seven weeks prior to delivery, she had [itching] vesicles.", {}),
    "a measure": ("[Weight loss] may not be an appropriate strategy here.", {"is_study": True}),
    "changed": ("Change [diuretics]", {"side": "answer", "is_drug": True}),
    "metabolism of it": ("First pass metabolism of [nitroglycerin]", {"side": "answer", "is_drug": True}),
    "abuse of it": ("[Heroin] abuse", {"side": "option", "is_drug": True}),
    "watched": ("Stop it and monitor the patient's [depressive symptoms]", {"side": "answer"}),
    "switched from": ("Switching [amitriptyline] to fluoxetine", {"side": "answer", "is_drug": True}),
    "parasites resistant to it": ("Parasites resistant to [chloroquine]", {"side": "answer", "is_drug": True}),
    "another amine": ("Nor-[adrenaline] reuptake", {"side": "answer", "is_drug": True}),
    "an antibody": ("Lupus [anticoagulant]", {"side": "answer", "is_drug": True}),
    "another disorder": ("Illness [anxiety disorder]", {"side": "answer"}),
    "another organism": ("H. [influenza]", {"side": "answer"}),
    "another receptor": ("Prostaglandin [D2 receptors]", {"side": "answer", "is_gene": True}),
    "hormone of the body": ("An [androgen]-secreting tumor", {"side": "option", "is_drug": True, "is_class": True}),
    "test as option": ("[Dexamethasone] suppression test", {"side": "answer", "is_drug": True}),
    "test for it as option": ("PCR for [hepatitis C] virus", {"side": "answer"}),
    "enzyme named after it": ("An anaplastic [lymphoma] kinase positive tumor.", {}),
    "help with it": ("Along with [weight loss] support she needs more.", {}),
    "advice": ("Her doctor recommends exercise and [weight loss].", {}),
    "member named": ("Oral [anticoagulant] such as rivaroxaban", {"side": "option", "is_drug": True, "is_class": True}),
    "narrower class": ("Long-acting [beta agonist]", {"side": "option", "is_drug": True, "is_class": True}),
    "class of drugs": ("She takes a [calcium channel blocker].", {"is_drug": True, "is_class": True}),
    "blocked": ("[Dopamine] blockade", {"side": "answer", "is_drug": True}),
    "another salt": ("[Lithium] heparin", {"side": "answer", "is_drug": True}),
    "susceptibility in a study": ("Isolates were susceptible to [oxacillin].", {"is_drug": True, "is_study": True}),
}

PLAIN = {
    "finding": ("She has [fever] and a rash.", {}),
    "concern about a finding": ("She is concerned about [weight gain].", {}),
    "a sentence of its own": ("On examination [pupils are dilated].", {}),
    "died himself": ("He died of [pneumonia].", {}),
    "a relative reports": ("He is brought by his mother who says that he has [fever].", {}),
    "lower part": ("She has lower [abdominal pain].", {}),
    "exposed and ill": ("After exposure to dust he has [cough].", {}),
    "changed to": ("Change to [furosemide]", {"side": "answer", "is_drug": True}),
    "only some": ("He has no complaints except for occasional [diarrhea].", {}),
    "after but": ("He does not smoke but has [asthma].", {}),
    "seen by a relative": ("Her mother has noticed that she has [fever].", {}),
    "brought by a relative": ("He is brought by his mother for [fever].", {}),
    "concern about what is there": ("They are concerned about recurrent [muscle cramps].", {}),
    "positive test": ("[HIV] test is positive.", {}),
    "tested positive": ("Screening is positive for [hepatitis C].", {}),
    "test of another sentence": ("He has [jaundice]. Laboratory tests follow.", {}),
    "level of a protein": ("Serum [prolactin] levels", {"side": "answer", "is_gene": True}),
    "class as option": ("A [calcium channel blocker]", {"side": "answer", "is_drug": True, "is_class": True}),
    "class in a study": ("We studied [triptans].", {"is_drug": True, "is_class": True, "is_study": True}),
    "another drug": ("Start [fluoxetine] and stop amitriptyline", {"side": "answer", "is_drug": True}),
    "switched to": ("Switch from codeine to [morphine]", {"side": "answer", "is_drug": True}),
    "denied in a study": ("Weight was not associated with [headache].", {"is_study": True}),
}


def _place(marked: str, changes: dict[str, object]) -> Place:
    start = marked.index("[")
    text = marked.replace("[", "").replace("]", "")
    side = str(changes.get("side", "question"))
    asked = _ASKED if side == "question" and not text.endswith("?") else ""
    return Place(text=text + asked, start=start, stop=marked.index("]") - 1, **{"side": side, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("marked", "changes"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_nothing_is_built_on(marked: str, changes: dict[str, object]) -> None:
    assert is_doubtful(_place(marked, changes))


@pytest.mark.parametrize(("marked", "changes"), PLAIN.values(), ids=PLAIN)
def test_is_built_on(marked: str, changes: dict[str, object]) -> None:
    assert not is_doubtful(_place(marked, changes))


def test_what_is_asked_about_may_be_denied() -> None:
    text = "Which of the following is not a feature of HELLP syndrome?"
    start = text.index("HELLP")
    assert not is_doubtful(Place(text=text, start=start, stop=len(text) - 1, side="question"))


OTHER_THINGS = {
    "bracket that the text does not say": ("headaches", "Headache (with pheochromocytoma)", True),
    "plain name": ("headaches", "Headache", False),
    "one of several nodes": ("UTI", "acute cystitis", True),
    "the right one of several": ("UTI", "Urinary tract infection", False),
    "for no node": ("Poxvirus", "smallpox", True),
}


@pytest.mark.parametrize(("written", "node_name", "expected"), OTHER_THINGS.values(), ids=OTHER_THINGS)
def test_wordings_that_mean_another_thing(written: str, node_name: str, expected: bool) -> None:
    assert is_another_thing(written, node_name) is expected


def test_what_the_linker_refuses_is_not_listed_again() -> None:
    text = resources.files("medreason.chains").joinpath("misread.words").read_text(encoding="utf-8")
    pairs = [line.partition("=")[::2] for line in text.splitlines() if not line.startswith("#")]
    listed = {(name_key(written), name_key(node_name)) for written, node_name in pairs}
    assert len(set(pairs)) == len(pairs)
    assert not listed & WRONG_NAMES
    assert not {written for written, node_key in listed if not node_key} & MISLEADING_NAMES
