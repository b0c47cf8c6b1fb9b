/** A city where devices stand, and its climate in the few numbers that the weather is made from. */
export interface Place {
  readonly slug: string;
  readonly city: string;
  readonly country: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM: number;
  /** Mean of the coldest month, degrees Celsius. */
  readonly coldestC: number;
  /** Mean of the warmest month, degrees Celsius. */
  readonly warmestC: number;
  /** 1 to 12: before the monsoon it is not the month of the highest sun. */
  readonly warmestMonth: number;
  /** Mean of the day's highest less the day's lowest, degrees Celsius. */
  readonly dailyRangeC: number;
  /** Mean of the year, percent. */
  readonly humidity: number;
}

/**
 * Slug, city, country, latitude, longitude, altitude, coldest and warmest
 * month's mean, warmest month, daily range, humidity. Only ever append: a
 * device's place follows from its index in this table. A prime number of rows,
 * so that every stride visits all.
 */
const rows = [
  ["reykjavik", "Reykjavík", "Iceland", 64.147, -21.942, 15, 0.4, 11.6, 7, 5.2, 77],
  ["singapore", "Singapore", "Singapore", 1.352, 103.82, 15, 26.4, 28.4, 5, 7, 80],
  ["nairobi", "Nairobi", "Kenya", -1.286, 36.817, 1_795, 17.2, 21, 3, 11.5, 66],
  ["sao-paulo", "São Paulo", "Brazil", -23.55, -46.633, 760, 16.5, 22.9, 2, 9, 76],
  ["denver", "Denver", "United States", 39.739, -104.99, 1_609, 0, 23.7, 7, 16, 52],
  ["sydney", "Sydney", "Australia", -33.869, 151.209, 25, 12.8, 23, 1, 8, 66],
  ["tokyo", "Tokyo", "Japan", 35.69, 139.692, 40, 5.4, 26.9, 8, 7.8, 65],
  ["cairo", "Cairo", "Egypt", 30.044, 31.236, 25, 14, 28.5, 7, 11.5, 56],
  ["berlin", "Berlin", "Germany", 52.52, 13.405, 35, 1, 19.8, 7, 8.5, 74],
  ["mumbai", "Mumbai", "India", 19.076, 72.878, 12, 24.2, 30.3, 5, 8.5, 72],
  ["la-paz", "La Paz", "Bolivia", -16.5, -68.15, 3_640, 6.8, 10.4, 11, 13.5, 55],
  ["auckland", "Auckland", "New Zealand", -36.85, 174.763, 40, 11, 20.2, 2, 7.5, 78],
  ["yakutsk", "Yakutsk", "Russia", 62.027, 129.732, 100, -37, 19.5, 7, 10, 68],
  ["lagos", "Lagos", "Nigeria", 6.524, 3.379, 20, 25.3, 29, 3, 7.5, 81],
  ["toronto", "Toronto", "Canada", 43.653, -79.383, 90, -3.5, 22.5, 7, 8, 70],
  ["lima", "Lima", "Peru", -12.046, -77.043, 150, 16.3, 23.4, 2, 5.8, 82],
  ["riyadh", "Riyadh", "Saudi Arabia", 24.714, 46.675, 610, 14.5, 36.6, 8, 14, 27],
  ["madrid", "Madrid", "Spain", 40.417, -3.704, 660, 6.3, 25.6, 7, 11, 56],
  ["beijing", "Beijing", "China", 39.904, 116.407, 45, -2.9, 27.2, 7, 10.5, 54],
  ["mcmurdo", "McMurdo Station", "Antarctica", -77.846, 166.668, 24, -26.5, -2.9, 1, 5, 66],
  ["honolulu", "Honolulu", "United States", 21.307, -157.858, 8, 23, 27.8, 8, 6.5, 67],
  ["cape-town", "Cape Town", "South Africa", -33.925, 18.424, 25, 12.2, 21.2, 2, 9, 72],
  ["london", "London", "United Kingdom", 51.507, -0.128, 25, 5.4, 18.9, 7, 7.5, 75],
  ["jakarta", "Jakarta", "Indonesia", -6.208, 106.846, 10, 27, 28.8, 10, 7.5, 77],
  ["buenos-aires", "Buenos Aires", "Argentina", -34.604, -58.382, 25, 11.3, 25.1, 1, 9, 71],
  ["anchorage", "Anchorage", "United States", 61.218, -149.9, 40, -8.5, 15.2, 7, 7.5, 70],
  ["ulaanbaatar", "Ulaanbaatar", "Mongolia", 47.886, 106.906, 1_350, -21.6, 18.7, 7, 12, 62],
  ["accra", "Accra", "Ghana", 5.603, -0.187, 60, 25, 28.6, 3, 7, 80],
  ["rome", "Rome", "Italy", 41.903, 12.496, 40, 7.7, 25.7, 8, 10, 71],
  ["mexico-city", "Mexico City", "Mexico", 19.433, -99.133, 2_240, 14.3, 19.4, 5, 13.5, 56],
  ["bangkok", "Bangkok", "Thailand", 13.756, 100.502, 5, 26.8, 30.8, 4, 8.5, 73],
  ["oslo", "Oslo", "Norway", 59.914, 10.752, 50, -3, 17.8, 7, 7.5, 74],
  ["perth", "Perth", "Australia", -31.953, 115.857, 25, 13.1, 24.8, 2, 11, 60],
  ["seoul", "Seoul", "South Korea", 37.567, 126.978, 50, -2, 26.1, 8, 8.5, 64],
  ["dakar", "Dakar", "Senegal", 14.717, -17.467, 20, 20.9, 28.1, 9, 6, 77],
  ["miami", "Miami", "United States", 25.762, -80.192, 5, 20.2, 29.2, 8, 7.5, 72],
  ["bogota", "Bogotá", "Colombia", 4.711, -74.072, 2_600, 13.6, 14.6, 4, 10.5, 79],
  ["helsinki", "Helsinki", "Finland", 60.17, 24.938, 20, -4.2, 18.1, 7, 6.5, 79],
  ["dubai", "Dubai", "United Arab Emirates", 25.205, 55.271, 8, 19.3, 36.4, 8, 10.5, 59],
  ["wellington", "Wellington", "New Zealand", -41.287, 174.776, 30, 9.1, 17.7, 2, 6, 80],
  ["paris", "Paris", "France", 48.857, 2.352, 45, 5, 21.1, 7, 7.8, 74],
  ["addis-ababa", "Addis Ababa", "Ethiopia", 9.03, 38.74, 2_355, 15, 18, 5, 12.5, 60],
  ["vancouver", "Vancouver", "Canada", 49.283, -123.121, 30, 4.2, 18.6, 8, 7, 77],
  ["manila", "Manila", "Philippines", 14.6, 120.984, 12, 26.2, 30, 5, 7.5, 75],
  ["santiago", "Santiago", "Chile", -33.449, -70.669, 570, 8.4, 21.2, 1, 14, 60],
  ["istanbul", "Istanbul", "Turkey", 41.008, 28.978, 40, 6.5, 25.1, 8, 7, 73],
  ["delhi", "New Delhi", "India", 28.614, 77.209, 215, 13.8, 33.5, 6, 12, 57],
  ["casablanca", "Casablanca", "Morocco", 33.573, -7.59, 25, 12.7, 23.5, 8, 7.5, 78],
  ["stockholm", "Stockholm", "Sweden", 59.329, 18.069, 25, -1.1, 18.7, 7, 7, 75],
  ["chicago", "Chicago", "United States", 41.878, -87.63, 180, -3.8, 24, 7, 9, 69],
  ["brisbane", "Brisbane", "Australia", -27.47, 153.026, 25, 15.3, 25.3, 1, 9.5, 65],
  ["hanoi", "Hanoi", "Vietnam", 21.028, 105.854, 15, 16.8, 30, 6, 6.8, 79],
  ["quito", "Quito", "Ecuador", -0.181, -78.468, 2_850, 13.6, 14.6, 8, 11, 74],
  ["athens", "Athens", "Greece", 37.984, 23.728, 90, 10, 29, 7, 8.5, 61],
  ["nuuk", "Nuuk", "Greenland", 64.183, -51.722, 20, -8.5, 7.3, 7, 4.8, 76],
  ["karachi", "Karachi", "Pakistan", 24.861, 67.01, 15, 18.5, 31.5, 6, 10, 63],
  ["suva", "Suva", "Fiji", -18.142, 178.442, 10, 23.1, 27.1, 2, 6, 81],
  ["warsaw", "Warsaw", "Poland", 52.23, 21.012, 105, -1.5, 19.5, 7, 8.5, 77],
  ["johannesburg", "Johannesburg", "South Africa", -26.204, 28.047, 1_750, 10.3, 20, 1, 12, 58],
  ["new-york", "New York", "United States", 40.713, -74.006, 15, 1, 25.3, 7, 8, 64],
  ["tromso", "Tromsø", "Norway", 69.649, 18.956, 15, -3.5, 12.5, 7, 5, 76],
] as const;

export const places: readonly Place[] = rows.map((row) => ({
  slug: row[0],
  city: row[1],
  country: row[2],
  latitude: row[3],
  longitude: row[4],
  altitudeM: row[5],
  coldestC: row[6],
  warmestC: row[7],
  warmestMonth: row[8],
  dailyRangeC: row[9],
  humidity: row[10],
}));
