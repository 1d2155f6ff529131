### Where the daemon sends its series, and what is wrong there.

export-problem = { $name } does not take the series: { $problem }. Points lost so far: { $lost }
export-lost = { $name } did not get all points of the series. Lost: { $lost }
