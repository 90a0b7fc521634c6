# SPDX-License-Identifier: Apache-2.0
"""Captions that name what captions seldom name: each style of hair stands in one caption of eighty, and a UNet that hears of locs sixty
times does not learn them. These say of one person's portrait its style of hair, or its hat, and a few things more.
"""
STYLES = {
    "bald": ("a bald head",), "buzz": ("a buzz cut", "very short {} hair"), "short": ("short {} hair", "a short {} haircut"),
    "side-part": ("short {} hair",), "slicked": ("short {} hair", "slicked back {} hair"), "spiky": ("short {} hair", "spiky {} hair"),
    "curly": ("curly {} hair", "short curly {} hair", "{} curls"), "afro": ("a {} afro", "an afro"),
    "bob": ("a {} bob", "{} hair in a bob"), "long": ("long {} hair", "long straight {} hair"),
    "wavy": ("wavy {} hair", "long wavy {} hair"), "long-curly": ("long curly {} hair", "long {} curls"),
    "ponytail": ("a {} ponytail", "{} hair tied in a ponytail"), "bun": ("{} hair in a bun", "a {} bun"),
    "braids": ("{} braids", "braided {} hair"), "locs": ("{} locs", "locs")}
NOUNS = {"child": (("girl", "little girl"), ("boy", "little boy")), "young": (("young woman",), ("young man",)),
         "middle-aged": (("middle-aged woman",), ("middle-aged man",)), "old": (("old woman", "elderly woman"), ("old man", "elderly man"))}
HATS = {"cap": "a {} cap", "beanie": "a {} beanie", "brim": "a {} hat", "headscarf": "a {} headscarf"}
LOOKS = {"neutral": "calm", "smile": "smiling", "laugh": "laughing", "serious": "serious", "surprised": "surprised", "sad": "sad", "angry": "angry"}
FRAMES = ("portrait of {}", "{}", "a photo of {}", "close-up of {}")


def plainly(f, i, rng):
    """What picture i of a set shows, in few words, and which attributes they name; None where there is not one person alone."""
    if f["people"][i] != 1:
        return None
    pick = lambda words: words[rng.integers(len(words))]
    is_ = lambda column: f.names[column][int(f[column][i])]
    noun, said = pick(NOUNS[is_("age")][int(f["gender"][i])]), {"age", "gender", "hat" if f["hat"][i] else "style"}
    if rng.random() < .5:
        noun = f"{LOOKS[is_('expression')]} {noun}"
        said.add("expression")
    style = pick(STYLES[is_("hair-style")])
    has = [style.format(is_("hair"))] if f["hat"][i] == 0 else []
    if has and "{}" in style:
        said.add("hair")
    if rng.random() < .4:
        has.append(f"{is_('skin')} skin")
        said.add("skin")
    if f["glasses"][i] and rng.random() < .6:
        has.append("glasses")
        said.add("glasses")
    rng.shuffle(has)
    text = pick(FRAMES).format(("an " if noun[0] in "aeiou" else "a ") + noun) + (" with " + " and ".join(has) if has else "")
    if f["hat"][i]:
        text += " wearing " + HATS[is_("hat")].format(is_("hat-colour")).replace("a orange", "an orange")
    if is_("place") == "colour" and rng.random() < .5:
        text += f", {is_('background')} background"
        said.add("background")
    return text, said
