import pytest
from classifier import BadModelError, load, save
from features import features
from train import read_examples, train

from conftest import DATA

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Invoice 5521 is overdue, please pay by Friday", "invoice"),
        ("I cannot log in, the app shows an error", "support"),
        ("Could we get a quote for 30 seats?", "sales"),
        ("You WON a free phone!!! Click here now", "spam"),
    ],
)
def test_obvious_texts_get_their_label_with_confidence(classifier, text, label):
    answer = classifier.classify(text)
    assert answer.label == label
    assert answer.confidence > 0.8


def test_texts_it_was_not_trained_on_get_their_label():
    examples = read_examples(DATA)
    held_out = examples[::5]
    learnt = [example for example in examples if example not in held_out]
    classifier = train(learnt, buckets=2**14)
    right = sum(classifier.classify(text).label == label for label, text in held_out)
    assert right / len(held_out) > 0.8


def test_a_text_without_words_has_no_sure_label(classifier):
    assert classifier.classify("").confidence == pytest.approx(1 / len(classifier.labels))


def test_confidence_is_a_probability_also_for_long_texts(classifier):
    assert 0 < classifier.classify("please pay the invoice " * 2000).confidence <= 1


def test_training_twice_gives_the_same_bytes(tmp_path):
    examples = read_examples(DATA)[::10]
    for name in ("one", "two"):
        save(tmp_path / name, train(examples, buckets=2**10))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_file_is_a_few_megabytes(model_file):
    assert 3 * MIB < model_file.stat().st_size < 6 * MIB


def test_loading_reports_growing_progress_up_to_all(model_file):
    shares = []
    load(model_file, shares.append)
    assert len(shares) > 20
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda data: b"GIF89a" + data, "not a model"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[:-4], "checksum"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum"),
        (lambda data: b"", "not a model"),
    ],
)
def test_a_damaged_file_is_refused(model_file, tmp_path, damage, complaint):
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(damage(model_file.read_bytes()))
    with pytest.raises(BadModelError, match=complaint):
        load(damaged)


def test_case_and_digits_do_not_matter():
    assert features("Pay INVOICE 123", 1024) == features("pay invoice 987", 1024)
    assert features("pay invoice 12", 1024) != features("pay invoice 987", 1024)
