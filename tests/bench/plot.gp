# The picture of a run of the benchmark, from the files that summary.pl wrote to this folder.
set terminal svg size 1100,1250 font "sans-serif,13" background "#ffffff" rounded
set output "bench.svg"
set datafile separator "\t"
set multiplot layout 3,2 margins 0.13,0.97,0.09,0.96 spacing 0.15,0.07
set style fill solid 0.9 noborder
unset key
set border 1 linecolor "#888888"
set tics nomirror scale 0 textcolor "#333333"
set xtics autofreq
set grid xtics linecolor "#dddddd"
set offsets 0, 0, 0.5, 0.5
colour(kind) = kind == 1 ? 0x1f6fb2 : kind == 2 ? 0xbbbbbb : 0x8a8f98
bar = 0.38

do for [panel in "rate8 p50_1 pull1 cpu_pull1 idle"] {
	name = panel eq "rate8" ? "Connections per second, 8 clients" : \
	    panel eq "p50_1" ? "Microseconds a connection, one client (less is better)" : \
	    panel eq "pull1" ? "Gbit/s, one stream from the backend" : \
	    panel eq "cpu_pull1" ? "CPU seconds per GB relayed (less is better)" : \
	    "KiB per idle connection, kernel included (less is better)"
	set title name textcolor "#111111"
	set format x panel eq "rate8" ? "%.0s%c" : "%g"
	file = "plot-" . panel . ".tsv"
	set xrange [*:*]
	set yrange [*:*]
	stats file using 2 nooutput
	if (STATS_records > 0) {
		set xrange [0:STATS_max * 1.18]
		set yrange [-0.6:STATS_records - 0.4]
		plot file using (0):0:(0):2:($0 - bar):($0 + bar):(colour($3)):ytic(1) with boxxyerror linecolor rgb variable, \
		    file using 2:0:(sprintf($2 >= 100 ? " %.0f" : $2 >= 10 ? " %.1f" : " %.2f", $2)) with labels left font ",11"
	}
}

set title "Connections per second while others are held"
set xrange [*:*]
set yrange [*:*]
set key below samplen 1.5 font ",11" maxrows 2
set border 3
set grid xtics ytics
stats "plot-held.tsv" using 1 nooutput
set logscale x
set xrange [8:*]
set yrange [0:*]
set offsets 0, 0, 0, 0
set xlabel "held connections" offset 0,0.6
set ytics autofreq
set format x "%.0f"
plot for [i = 0:STATS_blocks - 2] "plot-held.tsv" index i using 1:2 with linespoints linewidth 2 pointtype 7 pointsize 0.5 \
    title columnheader(1)
unset multiplot
