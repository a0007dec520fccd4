// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The part of the ACPI name space that is the same for every board. Names and ids are those of a Xen HVM guest, so that an
 * installed system finds the same devices under both cores. What depends on the board is in an SSDT (ssdt.c):
 *
 *   \BRDF               bit by bit what is there, board_flags in ssdt.h
 *   \_S3, \_S4          unless switched off
 *   \_SB.PCI0._CRS      bus, port and memory windows
 *   \_SB.PCI0.PRTP      interrupt routing to the links, for the 8259s
 *   \_SB.PCI0.PRTA      interrupt routing to the I/O APIC
 *   \_SB.CPON           package: per processor, 1 if the guest knows it as present
 *   \_SB.NTFY           notifies processor Arg0 with Arg1
 *
 * Revision 1: integers have 32 bits. Windows XP stops at 64-bit ones.
 */
DefinitionBlock ("", "DSDT", 1, "HVMDM", "HVMDMPC", 1)
{
    External (\BRDF, IntObj)
    External (\_SB.PCI0.PRTP, PkgObj)
    External (\_SB.PCI0.PRTA, PkgObj)
    External (\_SB.CPON, PkgObj)
    External (\_SB.NTFY, MethodObj)

    // Soft off: SLP_TYP 0.
    Name (\_S5, Package (4) { 0, 0, 0, 0 })

    // What the guest uses: 0 the 8259s, 1 the I/O APIC.
    Name (\PICD, 0)
    Method (\_PIC, 1)
    {
        PICD = Arg0
    }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)

            Method (_PRT)
            {
                If (PICD)
                {
                    Return (\_SB.PCI0.PRTA)
                }
                Return (\_SB.PCI0.PRTP)
            }

            Device (HPET)
            {
                Name (_HID, EisaId ("PNP0103"))
                Name (_UID, 0)
                Method (_STA)
                {
                    If (BRDF & 0x01)
                    {
                        Return (0x0F)
                    }
                    Return (0)
                }
                Name (_CRS, ResourceTemplate ()
                {
                    Memory32Fixed (ReadOnly, 0xFED00000, 0x00000400)
                })
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)

                // The PIIX3's PIRQ route control registers: bit 7 disables, bits 3:0 are the ISA IRQ.
                OperationRegion (PIRQ, PCI_Config, 0x60, 4)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PIRA, 8,
                    PIRB, 8,
                    PIRC, 8,
                    PIRD, 8
                }

                // Ports of the board that belong to no other device here.
                Device (SYSR)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0010, 0x0010, 0, 0x10)
                        IO (Decode16, 0x0022, 0x0022, 0, 0x1E)
                        IO (Decode16, 0x0044, 0x0044, 0, 0x1C)
                        IO (Decode16, 0x0062, 0x0062, 0, 0x02)
                        IO (Decode16, 0x0065, 0x0065, 0, 0x0B)
                        IO (Decode16, 0x0072, 0x0072, 0, 0x0E)
                        IO (Decode16, 0x0080, 0x0080, 0, 0x01)
                        IO (Decode16, 0x0084, 0x0084, 0, 0x03)
                        IO (Decode16, 0x0088, 0x0088, 0, 0x01)
                        IO (Decode16, 0x008C, 0x008C, 0, 0x03)
                        IO (Decode16, 0x0090, 0x0090, 0, 0x10)
                        IO (Decode16, 0x00A2, 0x00A2, 0, 0x1E)
                        IO (Decode16, 0x00E0, 0x00E0, 0, 0x10)
                        IO (Decode16, 0x04D0, 0x04D0, 0, 0x02)
                        IO (Decode16, 0x0510, 0x0510, 0, 0x0C)
                        IO (Decode16, 0xAE00, 0xAE00, 0, 0x10)
                        IO (Decode16, 0xAF00, 0xAF00, 0, 0x20)
                        IO (Decode16, 0xAFE0, 0xAFE0, 0, 0x04)
                    })
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0020, 0x0020, 1, 2)
                        IO (Decode16, 0x00A0, 0x00A0, 1, 2)
                        IRQNoFlags () {2}
                    })
                }

                Device (DMA0)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        DMA (Compatibility, BusMaster, Transfer8) {4}
                        IO (Decode16, 0x0000, 0x0000, 0, 0x10)
                        IO (Decode16, 0x0081, 0x0081, 0, 0x03)
                        IO (Decode16, 0x0087, 0x0087, 0, 0x01)
                        IO (Decode16, 0x0089, 0x0089, 0, 0x03)
                        IO (Decode16, 0x008F, 0x008F, 0, 0x01)
                        IO (Decode16, 0x00C0, 0x00C0, 0, 0x20)
                    })
                }

                Device (TMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0040, 0x0040, 0, 4)
                        IRQNoFlags () {0}
                    })
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 0, 2)
                        IRQNoFlags () {8}
                    })
                }

                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0061, 0x0061, 0, 1)
                    })
                }

                Device (PS2M)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () {12}
                    })
                }

                Device (PS2K)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CID, EisaId ("PNP030B"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 0, 1)
                        IO (Decode16, 0x0064, 0x0064, 0, 1)
                        IRQNoFlags () {1}
                    })
                }

                Device (FDC0)
                {
                    Name (_HID, EisaId ("PNP0700"))
                    Method (_STA)
                    {
                        If (BRDF & 0x02)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F0, 0x03F0, 1, 6)
                        IO (Decode16, 0x03F7, 0x03F7, 1, 1)
                        IRQNoFlags () {6}
                        DMA (Compatibility, NotBusMaster, Transfer8) {2}
                    })
                }

                Device (LTP1)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Name (_UID, 2)
                    Method (_STA)
                    {
                        If (BRDF & 0x04)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0378, 0x0378, 8, 8)
                        IRQNoFlags () {7}
                    })
                }

                Device (UAR1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Method (_STA)
                    {
                        If (BRDF & 0x10)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F8, 0x03F8, 8, 8)
                        IRQNoFlags () {4}
                    })
                }

                Device (UAR2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 2)
                    Method (_STA)
                    {
                        If (BRDF & 0x20)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x02F8, 0x02F8, 8, 8)
                        IRQNoFlags () {3}
                    })
                }

                Device (UAR3)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 3)
                    Method (_STA)
                    {
                        If (BRDF & 0x40)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03E8, 0x03E8, 8, 8)
                        IRQNoFlags () {4}
                    })
                }

                Device (UAR4)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 4)
                    Method (_STA)
                    {
                        If (BRDF & 0x80)
                        {
                            Return (0x0F)
                        }
                        Return (0)
                    }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x02E8, 0x02E8, 8, 8)
                        IRQNoFlags () {3}
                    })
                }
            }

            // The interrupt links. A route register's value as status, as resources, and back.
            Method (LSTA, 1)
            {
                If (Arg0 & 0x80)
                {
                    Return (0x09)
                }
                Return (0x0B)
            }

            Method (LCRS, 1, Serialized)
            {
                Name (BUFR, ResourceTemplate ()
                {
                    IRQ (Level, ActiveHigh, Shared) {15}
                })
                CreateWordField (BUFR, 1, IRQM)
                If (Arg0 & 0x80)
                {
                    IRQM = 0
                }
                Else
                {
                    IRQM = 1 << (Arg0 & 0x0F)
                }
                Return (BUFR)
            }

            Method (LSRS, 1, Serialized)
            {
                CreateWordField (Arg0, 1, IRQM)
                FindSetRightBit (IRQM, Local0)
                If (Local0 == 0)
                {
                    Return (0x80)
                }
                Return (Local0 - 1)
            }

            Name (LPRS, ResourceTemplate ()
            {
                IRQ (Level, ActiveHigh, Shared) {5, 10, 11}
            })

            Device (LNKA)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 1)
                Method (_STA)
                {
                    Return (LSTA (^^ISA.PIRA))
                }
                Method (_PRS)
                {
                    Return (LPRS)
                }
                Method (_DIS)
                {
                    ^^ISA.PIRA |= 0x80
                }
                Method (_CRS)
                {
                    Return (LCRS (^^ISA.PIRA))
                }
                Method (_SRS, 1)
                {
                    ^^ISA.PIRA = LSRS (Arg0)
                }
            }

            Device (LNKB)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 2)
                Method (_STA)
                {
                    Return (LSTA (^^ISA.PIRB))
                }
                Method (_PRS)
                {
                    Return (LPRS)
                }
                Method (_DIS)
                {
                    ^^ISA.PIRB |= 0x80
                }
                Method (_CRS)
                {
                    Return (LCRS (^^ISA.PIRB))
                }
                Method (_SRS, 1)
                {
                    ^^ISA.PIRB = LSRS (Arg0)
                }
            }

            Device (LNKC)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 3)
                Method (_STA)
                {
                    Return (LSTA (^^ISA.PIRC))
                }
                Method (_PRS)
                {
                    Return (LPRS)
                }
                Method (_DIS)
                {
                    ^^ISA.PIRC |= 0x80
                }
                Method (_CRS)
                {
                    Return (LCRS (^^ISA.PIRC))
                }
                Method (_SRS, 1)
                {
                    ^^ISA.PIRC = LSRS (Arg0)
                }
            }

            Device (LNKD)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 4)
                Method (_STA)
                {
                    Return (LSTA (^^ISA.PIRD))
                }
                Method (_PRS)
                {
                    Return (LPRS)
                }
                Method (_DIS)
                {
                    ^^ISA.PIRD |= 0x80
                }
                Method (_CRS)
                {
                    Return (LCRS (^^ISA.PIRD))
                }
                Method (_SRS, 1)
                {
                    ^^ISA.PIRD = LSRS (Arg0)
                }
            }
        }

        // Processors: the board's bitmap of what is plugged in.
        OperationRegion (PRST, SystemIO, 0xAF00, 0x20)
        Field (PRST, ByteAcc, NoLock, Preserve)
        {
            PRS, 256
        }

        // _STA of processor Arg0.
        Method (CPST, 1)
        {
            If (DerefOf (CPON [Arg0]))
            {
                Return (0x0F)
            }
            Return (0)
        }

        // _MAT of processor Arg0: its local APIC entry of the MADT.
        Method (CPMA, 1, Serialized)
        {
            Name (APIC, Buffer (8) { 0, 8 })
            APIC [2] = Arg0
            APIC [3] = Arg0
            APIC [4] = DerefOf (CPON [Arg0])
            Return (APIC)
        }

        // Tells the guest of each processor that has come or is asked to go.
        Method (PRSC, 0, Serialized)
        {
            Local0 = PRS
            Local1 = 0
            While (Local1 < SizeOf (CPON))
            {
                Local2 = (DerefOf (Local0 [Local1 >> 3]) >> (Local1 & 7)) & 1
                If (Local2 != DerefOf (CPON [Local1]))
                {
                    CPON [Local1] = Local2
                    If (Local2)
                    {
                        NTFY (Local1, 1)
                    }
                    Else
                    {
                        NTFY (Local1, 3)
                    }
                }
                Local1++
            }
        }
    }

    Scope (\_GPE)
    {
        Name (_HID, "ACPI0006")
        Method (_E02)
        {
            \_SB.PRSC ()
        }
    }
}
