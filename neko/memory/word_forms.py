"""English words whose forms no rule of a stemmer brings together, each group with its plainest form first."""

from __future__ import annotations

from typing import Final

_GROUPS: Final = """
    arise arose arisen, bear bore borne, beat beaten, become became, begin began begun, bend bent, bite bit
    bitten, blow blew blown, break broke broken, bring brought, build built, burn burnt, buy bought, catch
    caught, choose chose chosen, creep crept, deal dealt, dig dug, do did done does, draw drew drawn, dream
    dreamt, drink drank drunk, drive drove driven, eat ate eaten, fall fell fallen, feed fed, feel felt, fight
    fought, find found, flee fled, fly flew flown, forbid forbade forbidden, forget forgot forgotten, forgive
    forgave forgiven, freeze froze frozen, get got gotten, give gave given, go went gone goes, grow grew grown,
    hang hung, have had has, hear heard, hide hid hidden, hold held, keep kept, kneel knelt, know knew known,
    lay laid, lead led, lean leant, learn learnt, leave left, lend lent, lie lay lain, light lit, lose lost,
    make made, mean meant, meet met, pay paid, ride rode ridden, ring rang rung, rise rose risen, run ran, say
    said, see saw seen, seek sought, sell sold, send sent, sew sewn, shake shook shaken, shine shone, shoot
    shot, show shown, shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, sleep slept, slide slid,
    smell smelt, speak spoke spoken, spell spelt, spend spent, spin spun, stand stood, steal stole stolen, stick
    stuck, sting stung, strike struck, swear swore sworn, sweep swept, swim swam swum, swing swung, take took
    taken, teach taught, tear tore torn, tell told, think thought, throw threw thrown, understand understood,
    wake woke woken, wear wore worn, weep wept, win won, write wrote written, child children kid kiddo, man men,
    woman women, person people, foot feet, tooth teeth, mouse mice, goose geese, wife wives, life lives, knife
    knives, leaf leaves, wolf wolves, half halves, shelf shelves, loaf loaves, scarf scarves, mother mom mum
    mommy mummy mama, father dad daddy papa, grandmother grandma granny, grandfather grandpa granddad, picture
    pic photo photograph photography, television tv, bicycle bike, favorite favourite fav, color colour, theater
    theatre, center centre, neighbor neighbour, flavor flavour, humor humour, gray grey, movie film, birthday
    bday, refrigerator fridge, university uni, mathematics math maths, laboratory lab, examination exam,
    veterinarian vet, telephone phone, airplane plane, automobile car, holiday vacation, apartment flat, ill
    sick, buddy pal, doctor doc, advertisement ad advert, two 2, three 3, four 4, five 5, six 6, seven 7, eight
    8, nine 9, ten 10, eleven 11, twelve 12
"""
PLAINEST: Final = {
    form: forms[0] for group in _GROUPS.split(",") for forms in [group.split()] for form in reversed(forms[1:])
}
"""The plainest form of every other one; where a word is a form of two, of the first."""
