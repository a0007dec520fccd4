// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/characters.h"

#include <wchar.h>

/* Code page 437, as the character generator of every VGA BIOS draws it. */
static const wchar_t symbols[] = L" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
static const wchar_t upper[] = L"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
			       L"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
			       L"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
			       L"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

enum {
	FIRST_LETTER = 0x20,
	HOUSE = 0x7f,
	FIRST_UPPER = 0x80,
};

uint32_t vga_character(uint8_t code)
{
	if (code == HOUSE)
		return L'⌂';
	if (code >= FIRST_UPPER)
		return (uint32_t)upper[code - FIRST_UPPER];
	return code < FIRST_LETTER ? (uint32_t)symbols[code] : code;
}
