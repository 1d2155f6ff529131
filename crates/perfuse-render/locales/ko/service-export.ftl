### 데몬이 시계열을 보내는 곳, 그리고 그곳의 문제.

export-problem = { $name }에서 시계열을 받지 않습니다: { $problem }. 지금까지 잃은 점의 수: { $lost }
export-lost = { $name }에 시계열의 점이 모두 전달되지는 않았습니다. 잃은 점의 수: { $lost }
