"""Small EROFS images that mkfs.erofs of erofs-utils 1.9.3 made; the one that distributions have knows LZ4 alone.

All are of one tree, whose largest file is :data:`CONTENT`.  Options: ``-b512``, and those that stand with each.
"""

import base64
import lzma
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest

CONTENT: Final = b"".join(b"%d %d\n" % (number % 61, number // 512) for number in range(9000))
"""``usr/bin/nmstatectl``; ``bin`` is a symlink to ``usr/bin``."""

_PACKED: Final = {
    # -zlzma -Eall-fragments,fragdedupe=inode -C1048576
    "MicroLZMA": r"""
T>t<81poj4|NsC0{{R4Q{r~@?w}0?WF(2HqI18)~cgNEr);hN4@e!QvGPSpFV4q~b?I8+`f?9*AIR2jqqQthX5bW+g<(^AgI^%$PnQ?Sbq<5&vgBc@F#lOqcOZtKfq2kjigN~+U#
%mK|6>KKMIgltYsClYlhaq`rT_`A-81IgTZ#qxD24didOK3(JLB@qg3#BH>dsA<Rt>Yq>BIt&<dB!R$8qV7M^(x3%wI1ix_>SF*unPq_87uvGf&_WkE_Crkp}4RI3x(YWQDGYOEj
DpCsT6Fckjv0y(QYd@!Q4f*8+?CXe%8nxN$v?tMHsv*QULFmBbW?oy)o-H2aW7g0hc?;((Oe7x{C#-Hbi1Nx2`a0mfETxyJjql8r=lgkR}G6_b9b@*}MtqKOoN0kTzPSMsm{`)G8
hcxx)sM)_cq*^D6X*N#j#43gA!_ru~Jqhm2*N1@efPZ&87FEx=8Y_ZBm^P76r)c0N2y8Itnt$Ufz2WuF@St&m{mrNDiEnG<zIIz7eiC-q=zzsdi|@KgzYoL{a?Avs9*fRvq7zXgx
$x6#2^jP`sx)oPNxiPU$W5qoLKtcf?6`X5k#JJqb1W-k2OrBj<WrbJAUUg#k!<l^)^9~U%)b*?~uZ_7`SR)ePtQ;A#=e%Kyk!3|FbzX9cb^B7r8dFdG1Xr-XCIU@~#GRbkaYAYBY
3p<}BdNXji%2Jbaz*kn?5gHIb@WwJn-IY^^zx?3UvTu|rfNBU9Gcr*B;s?F1ukzfr<|-ekr5D9fUNf3}M0fxP8#hKzg>MObLK5Hw>ri74H@A~-UY-h^pDS0L?x)G7s&%5w5YO7hf
x?)=Y_SKO{%-lQuAcZZY##7zg4Pn3^WuA*>e0*EC|m$2(h1)I1}l#2_y%l!U9?=7QWpjwN_=|C$qJa9F=uh&kBbyG{u3uE$xxLLnEq*uL?HVpH(3}mT-7T~og9aGV$H=uG5%0dnV
5cRCVYeKHT~<VW}oWS-_%P|V+ancA2^XZ#)j}-wA(>vfD%{)fOyTXRenoDa1TvCTlSy5Pdv{5G1dT*{LoSBrB!uG-osUyN`e?Gx4&sYZ(k%KI6cZ}J9K?-G#1SHX&rbWE4x$^WR~
zG3zv?@^>)xb+XY~2kOWTy&O?O=Zf#Z9Mb6l|g0}Y*q=M^1%+s57F@ktXL4jQ0eoi43zMb|}BhWHi)sB)QTa|}*J+uNg=}h~`Bl)z<?>`W)3R<m61#$Ld9BM@koj_%*p$+oLu<1f
KW}mMA*Aqy!G&~&!Lee`+c%>91n+dNg$$6{@f|uG*KqXJZW*;Lc7@4n+3nib9H2)WQkiyXWx%CrNFm5<xFT?HH60r6qv<0tU9m;sq#e2V23mE{)jnk!i#4Wj-^-Yl!u5^*_{N)?N
^pEs-wr)BX^64!VacwN>eb&F!Kbia<N-1&y>!jid60Qxh;Ym)A(-U92@9i>W#J7v0PV1ueQX&CM%jT@`2v_LoKS#G8#CSB*2!G15F2}D6Ei;p~sZooWRofzKE3KDvQ>9GXTZe|kT
Obtpow)c2uB(@RfzE9wOh-ATjeN#AUh<a$3O2ueK<cS}ik%$Q*e<~>3Rx0N!1%(=<|p!FPaq$p=q)iq{5p4Mw!&|~h4ht1A+z`E5KR
""",
    # -zzstd,level=19 -Eall-fragments,fragdedupe=inode -C1048576
    "zstd": r"""
T>t<81poj4|NsC0{{R4Q{r~@?w}0?WF(21w<ph-~LmULx37B0FENs1-@r(F^p$)3r^(H8eh^Pf+bPW$AeDR+ST#%!*KlfB$Gg>G%vsu2KlHB07bT_L1FNOSsGSe@d@m0~d>2o}6{
gpcP!Y8q^Lh;!u6{ofJqv~BH5`vEh?#jMx^W?!ah!83+T^JXz(2DFdm|ZAIA<!G1#cC)xj0vjY-?fskw#<Docgr}-#I=m=F?hf}f;VV@(bz`(_a-98H7^o2y+IWe`;sck{yHv6MX
PMsj~+%)M<MNq63AFVk54NYcQZ<Aq;aJk74{QsFjqWxro>HX1WJOhwp5C<d&fpZ@L9UE*JlFqNMhZ#S&m!dcNnQ&{wFd0vKZT74_a|b`MO<f^0yMh$X-7`W?X0fN^I^_lWBFCFeu
RflVn7?l(j@<m5)8Q(&-he-L9*L?ptL;XRw}(*687LD^GKKRtZP}ws}P;6oQpjdV8z0HL!DQPn>~t50u#7Gw=Q`A3W=C(%$e?v1Y*=Q@Q8tM^u{<K7#RQ8T4iaU|mEBjUi(9QIog
qg5mB7)Bq?dGaHxR{vh-Vxo0h^zm0Hi`D&U`LmVLQkl@&EIV_K-sDPf@HxoSg7cA~mq<;QOP01;2cYw1fnib8z0PArH?Xrqw>KwXTK59gEi8NLztFJJ`?OeHT$<2KQ9Jy%s{;)&z
919p4E$_AHqAAG6{;1wf?54Vf+12*@pl`SzL^s`JdaHtVtWHFHlVB{tn%43KyEGSnyJ>``uMEWarArj8diYCfSZ+weh<v_FhxJ+q#B3W69;4Rw&rzleleN+=cU~R=9Fq!p?;-Ny0
5Ee$EmcAGmm+TdedWl0+VQXsj76ZSB`zyCZgZH24Bu^@Y=ExFp+#_Y{_}{UwJ6qk-qf3uUujPWJufchkT&q$(dchTd*`NAW5mzo_ftplM-naf`Q^CMHZ7n4zPbFIS$nZbJxfcpU7
5DC2h-@3(DQPUBGp+j0E@%K37Cr1juwI6noEqJiDT8u{fRZFL0;;>@1C|}rGY?MM2Cm+aPcS$_sL!zS^0bR72Zk7Fqa}B)vhx(N0+Jx8?_aP(O7@@|KO|Bu9@?Li&R9oGvEZ+xu&
YuW?@F)JS;5=?*nl(GyUc~`Msa(QhWXH&g^x|qt@)8TlVK?Hj)Ora9oPRcO_%6Gj4lPx*}^a{bey@UcMou)VcqWE;ao6W`Et-wgGh)92UgGRbmWT*ch%GXoe(fHJFEPFv(Vd!|<&
8S_WGa=%=&%C?DAC-q292jEtTx#`Kna(%bzo<r;_MjGF%z#P&SSpdX+!r+QwiUgACk_{vov=*qmv{)W*GXNyZ`$~Fng9%i6%&p0gdl6Bc-8BLy@S-WYj@MUr@DX`ihR{n46*wrbM
<dc0JBY#Y(6tLAIO$E~`&wX0#eu^8<CN&809d6odqM(S7ha^O5oIFT-l<#r%SVa5PEuG9R@u1RBMDP>@+q-4)10c_q=(Yo*^{Z?f3jrf#8>s*9J&oA
""",
    # -zdeflate,level=9 -C8192 -Eztailpacking
    "deflate": r"""
T>t<81poj4|NsC0{{R4Q{r~@?w}0?WF(2b3#XV<&!_`&eo|K?er#1?KnQx38KdhA|Y6b>8$jIZcDDuhy!7u53zrgK6d*dkegTI08f4+dryvE~NKjkL&CWh2Vw1$<xJmrl`H|8h>z
LB&!C3q63UDD;jSf)N7l`6~|PC97o59r@6DcE=uTU|)C{*ba$paS#XjD7=s`!G+={#omLpoAv_-j#`92nuu6Fss+VUS0_cSpam|{B2C5sd~{Ftfp@$6=BBJ_r@M_If<oik3z@rwU
+TXKBdTF)P2%GJC3WpHuV&(hY?+Wg#!vYj67OE601wMC-Sm%xU0)Hao4bt!pkvpn4##Du|Zu3OY!^yTRZt#LKJE#ev`<-fENTZmW{lzQ&wdy@?P)3QJuJ+(D_8{_ltM#uAT7veFL
e<N4pdh{K?%p6o09!lx)pJ?pntyJbXBRA^5G_5LTSvYdU|#LG^GLhVB%-#5(rHv`)+kIlw+usCBZ3JqBZlRJ)L<&ghlo05a0~56ZV6!qmDZpW+>wWdGh27$mV2dS%X0Rng6&@>sZ
`?t7(=?p#d@WCc8vdO+#g)yhwK&6ca)sJoTfH!l^9(V5Yr3t=Wziq8zOT{3<~67Rj$#F3Z7^0bLA4!F{2p9n;MgJv%Or?4F9^&A*>sE$*aR!u2IepL_#rfcf2RtAI30zsKB4z~nz
8+mBuu%?qFcic%aDReB7JD=uR_wG{8xzsD%JaQMTFW@dOC~6?<eJCT*RoeiwUEBr`IVKSkvH-%DUY;yIzlDmykw|?r9L{qh)DK9R@ymk8(R(JQf1Oa{8q@Wr?~)*@o^43;(;-zka
*=RauH#k&Jc*fwJWd|kHH;e+QP~@6`r(mjO<E9Y0U17Y??NOD2awD&0uvLgPed}8ujygqTX5n~eSDqE=Y^r23qrLQ!af`BRZPtx0}?iUc~t7oAYIV9{raHWt?6<d^~PUY(d^P)7T
k%UDlDQ8?xWvkWqMy99?G%Ej{ae(y;NScd7V)(5t>rMuy63-t@$T)BMx5fXf4F!_uBsGRMLoI_XsmoBr|v^S-BHd^C-W+*P8C|)SHHa`bRd^4|_B@X>>3AgGx?tSbX(O7}g>_c<L
&SHsjO<c$E^=z_qI|%2eGAIK3cP=*H&I{)BiQJO(!OOR?zxv&&jK;NLg~e5f*q4oZ=m6Rj1qQ>E4kQ`DmU&0Pl&4;m^c*_b!yt(}v!P5j^{s#R<C>oSi`{_w%_NZBNg=j-f1R3wC
oG=E7<*O%;wg^3ryEu|Uv<W7{+IDU2#>Oj`B{}Riuy<|#ABq1v=&+`s16XHt{>m-$tgr`qI`*{swH8NT7hKSLXjTg$;UfD)}3Z{|1btZO^?YCrv8H`>{S9z#_%>|{@?*2t^oS_?F
v;`qFT>!Qf*#^U^z!ScNcGla5(06SW=IZUu3>FFaKFU>4Ni8a|l1;+6nv$^CLu#_2@XQ4Q0rZpBSt?n#ZZT`ABtv$@9B!YfR-F4$3=`^wmFbwLzG5{9`RVHP9?pn4zm9(K<0d*h#
Q<2o*%YbHGxK^R-27N|Nlk|69^RZm?Y-8>Yqm6!lf$uN4ZGE4-sf+7&rcpJwx5oQa9AC>kWK7P*za=CH2mlmZ3TxnD$erTD>`7Kg&~eJRt_^L|D<65$GU#42N%DJVvLWyt7=Zido
eqk7e9Pp&CRS3i%>>7aN7CWK%Gzx`S#b3g^nhNB(}2!1{XuRnPGTTdy$n_<z#Jl3s7@JoOyYgOU^tMi_Z$pRjH}iIp5OGAz>QJlT!IJ{jfc2H36;>XJrtXsx!I)<&I)qJ?udDjYt
4;|Ljlv6Z}ii!nnPaSnQPs>(9F*@~JC;k0oKhuEM9DdwgnT8CcJ96JW?GrU)6Zv&H>F1-|jyLpEf)DMekwa><m)81JD{fHq^Z)=Nryr!>4=OQc;a1O(P-8p+ezcnvss?x_8mWFZ=
3N!&lv(G-*`THq}4pcp~ZFIy9OVId;eHBdZfnjc;#;im`6RAkNk#J(L-m!#x*VQ*UfBPmhZ^Jq~CE&IWM3c%)rQ%!joW|~2JziF;N7xAf;eMQ2jxTicl1Ftti<_g33P{r{F6@wM%
Gm-5c<ezq*S^VGaEbQViW_`_8BASGhhj7^+h7l%H&9R#lR+lFZ;855r5(uPIN+1Mhp8yvo*xGV)h5-K<MR_o;5Ti9E68)l}?};V#wx>ArLFRUO0oG(t)GEDEl+Qanp|4J}YRGNmA
7`58?WyfQdXd>lK`Aawk0S^ci)Np4xD!Q*iU-70jUI0y*isD2t{uZr>ZDn?A$x<BGc%sA#R-Rrk#SAm+>Ti#5U7ejYro%^fM3E_WU~$63+XNWU}B8
""",
}


@pytest.fixture(scope="session")
def published_images() -> Mapping[str, bytes]:
    """By the algorithm."""
    images = {name: lzma.decompress(base64.b85decode("".join(text.split()))) for name, text in _PACKED.items()}
    return MappingProxyType(images)


@pytest.fixture(scope="session")
def published_content() -> bytes:
    return CONTENT
