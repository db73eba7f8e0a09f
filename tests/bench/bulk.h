/* What the two ends of the benchmark's bulk streams have agreed upon. */
#ifndef BENCH_BULK_H
#define BENCH_BULK_H

/* The sink sends one byte for so many that have arrived. */
#define BULK_UNIT (4 * 1024 * 1024)

#endif
