"""Sound keys: spellings that sound alike in Indian languages share one key."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.text.memory import Memory

_ROUND = re.compile("au|ou|ow")
_REPEAT = re.compile(r"(.)\1+")
_FAMILIES = bytes.maketrans(b"zqwv", b"jkbb")
_UNHEARD = b"aeiouyh"


def sound(token: str) -> str:
    """Sound key of one normalised token: lakshmi and laxmi give lksm.

    The rules are, in order: `au|ou|ow->o, ksh->ks, x->ks, chh->c, ch->c, sh->s, ph->f, bh->b,
    dh->d, th->t, kh->k, gh->g, jh->j, z->j, q->k, w->v, v->b`; a first letter in `aeiouy` becomes
    `a`; later `aeiouyh` are dropped; repeats collapse. Because every later `h` is dropped, only
    `ph->f` has to be carried out among the rules that end in one.
    """
    if not token:
        return ""
    round_ = _ROUND.sub("o", token) if "u" in token or "w" in token else token
    plain = round_.replace("x", "ks").replace("ph", "f").encode().translate(_FAMILIES)
    first = b"a" if plain[0] in b"aeiouy" else plain[:1]
    heard = (first + plain[1:].translate(None, _UNHEARD)).decode()
    return _REPEAT.sub(r"\1", heard) if _REPEAT.search(heard) else heard


_SOUNDS = Memory(sound, size=500_000)


def sound_of_name(text: str) -> str:
    """Sound keys of all tokens of a normalised value, joined by spaces, order kept."""
    if " " not in text:
        return _SOUNDS[text]
    return " ".join([_SOUNDS[token] for token in text.split()])


def sounds_of_names(texts: pa.Array) -> pa.Array:
    """The same for a string array of n normalised values; null stays null."""
    lists = pc.split_pattern(texts, " ")
    tokens = lists.flatten().dictionary_encode()
    keys = pa.array([_SOUNDS[token] for token in tokens.dictionary.to_pylist()], pa.string())
    sounds = pa.ListArray.from_arrays(lists.offsets, keys.take(tokens.indices))
    return pc.if_else(pc.is_valid(texts), pc.binary_join(sounds, " "), pa.scalar(None, pa.string()))
